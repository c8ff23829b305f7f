"""How many of the new files make the next batch, and which of the rest are worth remembering."""

from collections.abc import Sequence

from cauce.files import FileStatus
from cauce.streaming.sources.source import ReadLimit

__all__ = ["take_files", "worth_caching"]

Files = Sequence[FileStatus]


def take_files(files: Files, limit: ReadLimit) -> tuple[Files, Files]:
    """The files of the next batch, and the others. A byte limit always lets one file through."""
    if limit.files_max is not None:
        return files[: limit.files_max], files[limit.files_max :]
    if limit.bytes_max is not None:
        count = _count_within(files, limit.bytes_max)
        return files[:count], files[count:]
    return files, ()


def worth_caching(rest: Files, limit: ReadLimit, ratio: float) -> bool:
    """Whether the next batch could be made from `rest`; if few, listing anew finds newer ones too."""
    if limit.files_max is not None:
        return len(rest) >= limit.files_max * ratio
    if limit.bytes_max is not None:
        return sum(file.size_bytes for file in rest) >= limit.bytes_max * ratio
    return False


def _count_within(files: Files, bytes_max: int) -> int:
    total = 0
    for count, file in enumerate(files):
        total += file.size_bytes
        if total > bytes_max and count > 0:
            return count
    return len(files)
