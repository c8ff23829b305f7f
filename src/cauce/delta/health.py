"""How a table is doing after a commit: files, their sizes, and how much log a reader has to replay."""

from collections.abc import Iterable
from dataclasses import dataclass

from cauce.delta.transaction import Transaction

__all__ = ["SMALL_FILE_BYTES_MAX", "HealthTracker", "TableHealth"]

SMALL_FILE_BYTES_MAX = 16 * 1024 * 1024
"""Smaller files are better put together; as large as automatic compaction makes them when there is time."""


@dataclass(frozen=True)
class TableHealth:
    """Sums that a commit changes by what it adds and removes."""

    version: int
    files: int
    size_bytes: int
    small_files: int

    def metrics(self, checkpoint_version: int) -> dict[str, str]:
        """As texts, for progress JSON."""
        return {
            "tableVersion": str(self.version),
            "numFiles": str(self.files),
            "sizeInBytes": str(self.size_bytes),
            "avgFileSizeInBytes": str(self.size_bytes // max(self.files, 1)),
            "numSmallFiles": str(self.small_files),
            "numVersionsSinceCheckpoint": str(self.version - checkpoint_version),
        }


class HealthTracker:
    """Counts on from commit to commit, so that a batch does not look at all files of the table."""

    def __init__(self) -> None:
        self._last: TableHealth | None = None

    def note(self, transaction: Transaction, version: int) -> TableHealth:
        """The table after a commit of this transaction; counted anew if somebody else wrote in between."""
        before = transaction.snapshot
        if self._last is None or self._last.version != before.version:
            self._last = _counted(before.version, (file.size_bytes for file in before.files.values()))
        added = _counted(0, (a["add"]["size"] for a in transaction.actions if "add" in a))
        gone = _counted(0, (a["remove"]["size"] for a in transaction.actions if "remove" in a))
        after = TableHealth(
            version,
            self._last.files + added.files - gone.files,
            self._last.size_bytes + added.size_bytes - gone.size_bytes,
            self._last.small_files + added.small_files - gone.small_files,
        )
        # What a rival committed just before this one is not in it: the next commit counts anew.
        self._last = after if version == before.version + 1 else None
        return after


def _counted(version: int, sizes: Iterable[int]) -> TableHealth:
    known = list(sizes)
    small = sum(size < SMALL_FILE_BYTES_MAX for size in known)
    return TableHealth(version, len(known), sum(known), small)
