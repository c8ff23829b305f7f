"""How a damaged checkpoint is reported: which file, what was expected, what was found."""

from cauce.errors import IllegalStateException

__all__ = ["DAMAGED_FILE", "damaged_file", "missing_file", "shown"]

DAMAGED_FILE = "CHECKPOINT_DAMAGED.FILE"
SHOWN_BYTES_MAX = 80


def damaged_file(path: str, expected: str, found: str) -> IllegalStateException:
    return IllegalStateException(DAMAGED_FILE, path=path, expected=expected, found=found)


def missing_file(path: str, reason: str) -> IllegalStateException:
    return IllegalStateException("CHECKPOINT_DAMAGED.MISSING_FILE", path=path, reason=reason)


def shown(data: bytes | str) -> str:
    """The beginning of what a file holds, for an error message."""
    if not data:
        return "nothing"
    text = repr(data[:SHOWN_BYTES_MAX])
    return text if len(data) <= SHOWN_BYTES_MAX else f"{text} and {len(data) - SHOWN_BYTES_MAX} more"
