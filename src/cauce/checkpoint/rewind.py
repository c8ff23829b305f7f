"""Going back to an earlier batch: what came after it moves into a backup folder, all of it or nothing.

One file decides: `.cauce.rewind` says how far back and where to. Once it is durable the rewind counts, and
whoever opens the checkpoint next finishes it; before, nothing has happened.
"""

from collections.abc import Iterable

from cauce.checkpoint.checkpoint import Checkpoint
from cauce.checkpoint.checksum import checksum_name
from cauce.checkpoint.damage import damaged_file, shown
from cauce.checkpoint.log_folder import LogFolder
from cauce.checkpoint.log_text import compact_json, json_object
from cauce.errors import IllegalArgumentException

__all__ = ["finish_rewind", "rewind"]

# Spark passes over hidden names.
INTENT = ".cauce.rewind"
BACKUPS = ".cauce.rewound"
RECORD = '{"batchId":0,"backup":"0"}'


def rewind(checkpoint: Checkpoint, batch_id: int, state_files: Iterable[str]) -> str:
    """Make `batch_id` the last batch, in a checkpoint that the caller owns; the path of the backup.

    `state_files`, relative to the checkpoint, are what the removed batches' state needs; the backup
    keeps them.
    """
    _check(checkpoint, batch_id)
    files = checkpoint.file_system
    number = max(LogFolder(files, f"{checkpoint.path}/{BACKUPS}").batch_ids(), default=-1) + 1
    backup = f"{checkpoint.path}/{BACKUPS}/{number}"
    for folder in ("offsets", "commits"):
        files.make_dirs(f"{backup}/{folder}", private=True)
    for name in state_files:
        folder = f"{backup}/{name}".rpartition("/")[0]
        files.make_dirs(folder)
        files.link(f"{checkpoint.path}/{name}", f"{backup}/{name}")
        files.sync_folder(folder)
    intent = compact_json({"batchId": batch_id, "backup": str(number)})
    files.write_durable(f"{checkpoint.path}/{INTENT}", intent.encode(), overwrite=True)
    finish_rewind(checkpoint)
    return backup


def finish_rewind(checkpoint: Checkpoint) -> None:
    """Move what a decided rewind has not moved yet; harmless when there is none."""
    path = f"{checkpoint.path}/{INTENT}"
    if not checkpoint.file_system.exists(path):
        return
    data = checkpoint.file_system.read_bytes(path)
    record = json_object(path, data.decode(errors="replace"), RECORD)
    if not isinstance(record.get("batchId"), int) or not isinstance(record.get("backup"), str):
        raise damaged_file(path, RECORD, shown(data))
    backup = f"{checkpoint.path}/{BACKUPS}/{record['backup']}"
    # From the end, and a commit before its offsets: wherever this stops, what is left is a checkpoint.
    folders = {"commits": checkpoint.commits.folder, "offsets": checkpoint.offsets.folder}
    later = {i for folder in folders.values() for i in folder.batch_ids() if i > record["batchId"]}
    for batch_id in sorted(later, reverse=True):
        for name, folder in folders.items():
            _move(checkpoint, folder, str(batch_id), f"{backup}/{name}")
    for folder in folders.values():
        checkpoint.file_system.sync_folder(folder.path)
    checkpoint.file_system.delete(path)
    checkpoint.file_system.sync_folder(checkpoint.path)


def _check(checkpoint: Checkpoint, batch_id: int) -> None:
    batches = [i for i in checkpoint.commits.folder.batch_ids() if checkpoint.offsets.folder.exists(str(i))]
    if batch_id not in batches:
        known = f"{batches[0]} to {batches[-1]}" if batches else "none"
        raise IllegalArgumentException(
            None, f"Batch {batch_id} is not retained in {checkpoint.path}. Retained and committed: {known}."
        )


def _move(checkpoint: Checkpoint, folder: LogFolder, name: str, target: str) -> None:
    for part in (checksum_name(name), name):
        if checkpoint.file_system.exists(folder.path_of(part)):
            checkpoint.file_system.rename(folder.path_of(part), f"{target}/{part}")
