"""A consistent copy of a checkpoint as of its last commit, also while its query runs.

Log files and state segments are written once and whole, so a copy needs no lock: it takes what the last
commit refers to. What the query purges meanwhile belonged to batches that leave its own checkpoint too.
"""

import uuid
from collections.abc import Iterable, Iterator
from typing import Any

import pyarrow as pa

from cauce.checkpoint import Checkpoint
from cauce.errors import IllegalArgumentException, IllegalStateException
from cauce.files import local_copy
from cauce.state.segment_file import read_trailer
from cauce.streaming.stored_state.options import last_batch

__all__ = ["copy_checkpoint", "state_files"]

ATTEMPTS_MAX = 5
"""A busy query may overtake a copy; each attempt starts from the newest commit."""


def copy_checkpoint(source: Checkpoint, target: Checkpoint, *, new_id: bool = False) -> int:
    """Copy to a path where nothing is yet; the last batch of the copy.

    The copy has the query's id, by which Delta tables know what they have, unless `new_id` is asked for.
    """
    if target.file_system.exists(target.path):
        raise IllegalArgumentException(None, f"{target.path} is there already: name a new folder.")
    if source.metadata.read() is None:
        raise IllegalArgumentException(None, f"{source.path} is no checkpoint: it has no metadata file.")
    for _ in range(ATTEMPTS_MAX):
        partial = Checkpoint(target.file_system, f"{target.path}.{uuid.uuid4()}.partial")
        try:
            batch_id = _copy(source, partial, new_id=new_id)
        except FileNotFoundError:  # purged or compacted under our hands
            continue
        except BaseException:
            partial.file_system.delete_tree(partial.path)
            raise
        target.file_system.rename(partial.path, target.path)
        return batch_id
    raise IllegalStateException(
        None, f"The query on {source.path} is faster than the copy. Stop it, or copy once more."
    )


def state_files(checkpoint: Checkpoint, references: dict[str, Any]) -> Iterator[str]:
    """The segments that one commit's state consists of, relative to the checkpoint."""
    for operator, stores in references.items():
        for store, reference in stores.items():
            folder = _relative(checkpoint, checkpoint.store_path(int(operator), store))
            if reference["file"] is None:
                continue
            path = f"{checkpoint.path}/{folder}/{reference['file']}"
            with pa.memory_map(local_copy(path)) as file:
                manifest, _ = read_trailer(file.read_buffer(), path)
            yield from (f"{folder}/{name}" for name in (reference["file"], *(name for name, _ in manifest)))


def _copy(source: Checkpoint, target: Checkpoint, *, new_id: bool) -> int:
    head = last_batch(source)
    names = list(_batch_files(source, head))
    sources = _files_below(source, source.sources_path)
    names += sources
    for operator in source.operators.all():
        names += _files_below(source, f"{source.state_path}/{operator.operator_id}/_metadata")
    if not new_id:
        names.append("metadata")
    _copy_files(source, target, dict.fromkeys(names))
    if new_id:
        target.metadata.read_or_create()
    return head


def _batch_files(source: Checkpoint, head: int) -> Iterator[str]:
    """Commits, offsets and state from the last batch backwards, as far as they are retained."""
    for batch_id in sorted((i for i in source.commits.folder.batch_ids() if i <= head), reverse=True):
        commit = source.commits.get(batch_id)
        if commit is None or not source.offsets.folder.exists(str(batch_id)):
            return
        try:
            files = list(state_files(source, commit.state or {}))
        except FileNotFoundError:
            if source.commits.folder.exists(str(batch_id)):
                raise
            return
        yield from files
        yield from (f"commits/{batch_id}", f"offsets/{batch_id}")


def _copy_files(source: Checkpoint, target: Checkpoint, names: Iterable[str]) -> None:
    target.file_system.make_dirs(target.path, private=True)
    for name in names:
        data = source.file_system.read_bytes(f"{source.path}/{name}")
        path = f"{target.path}/{name}"
        target.file_system.make_dirs(path.rpartition("/")[0])
        target.file_system.write_durable(path, data)


def _files_below(checkpoint: Checkpoint, folder: str) -> list[str]:
    found = checkpoint.file_system.list(folder, recursive=True)
    return [_relative(checkpoint, status.path) for status in found if not status.is_dir]


def _relative(checkpoint: Checkpoint, path: str) -> str:
    return path.removeprefix(f"{checkpoint.path}/")
