"""A checkpoint at a glance: its batches, its stores, and what it takes on disk."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from cauce.checkpoint import Checkpoint
from cauce.errors import IllegalArgumentException

__all__ = ["BatchSummary", "batches", "require_checkpoint", "sizes"]


@dataclass(frozen=True)
class BatchSummary:
    """One retained batch; without `next_watermark_ms` it is not committed and will run again."""

    batch_id: int
    timestamp_ms: int
    watermark_ms: int
    next_watermark_ms: int | None
    offsets: tuple[str | None, ...]
    state_rows: int


def batches(checkpoint: Checkpoint) -> Iterator[BatchSummary]:
    """Retained batches, oldest first; one that is purged meanwhile is left out."""
    for batch_id in checkpoint.offsets.folder.batch_ids():
        entry, commit = checkpoint.offsets.get(batch_id), checkpoint.commits.get(batch_id)
        if entry is None:
            continue
        yield BatchSummary(
            batch_id,
            entry.timestamp_ms,
            entry.watermark_ms,
            None if commit is None else commit.next_watermark_ms,
            entry.offsets,
            0 if commit is None else state_rows(commit.state or {}),
        )


def state_rows(references: dict[str, Any]) -> int:
    """The rows of all stores that a commit refers to."""
    return sum(reference["rows"] for stores in references.values() for reference in stores.values())


def sizes(checkpoint: Checkpoint) -> dict[str, int]:
    """Bytes by folder, hidden ones included."""
    found: dict[str, int] = {}
    for status in checkpoint.file_system.list(checkpoint.path, recursive=True):
        if not status.is_dir:
            top = status.path.removeprefix(f"{checkpoint.path}/").partition("/")[0]
            found[top] = found.get(top, 0) + status.size_bytes
    return found


def require_checkpoint(checkpoint: Checkpoint) -> None:
    """Say what is wrong with a path that holds no checkpoint."""
    if not checkpoint.file_system.exists(checkpoint.path):
        raise IllegalArgumentException(None, f"{checkpoint.path} does not exist.")
    if checkpoint.metadata.read() is None:
        hint = "It is the folder given as checkpointLocation, and holds offsets/, commits/ and metadata."
        raise IllegalArgumentException(None, f"{checkpoint.path} is no checkpoint. {hint}")
