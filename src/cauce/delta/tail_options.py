"""What a user can say to a stream over a table, checked when the stream is described."""

from collections.abc import Callable
from dataclasses import dataclass

from cauce.delta.errors import DeltaIllegalArgumentException, DeltaUnsupportedOperationException

__all__ = ["TailOptions"]

FILES_MAX = 1000

Get = Callable[[str], str | None]


@dataclass(frozen=True)
class TailOptions:
    """Options of `readStream.format("delta")`, spelled as in Delta Lake."""

    files_max: int | None
    bytes_max: int | None
    starting_version: str | None
    starting_timestamp: str | None
    ignore_deletes: bool = False
    ignore_changes: bool = False
    skip_change_commits: bool = False
    change_feed: bool = False
    event_time_order: bool = False
    fail_on_data_loss: bool = True

    @property
    def has_start(self) -> bool:
        return self.starting_version is not None or self.starting_timestamp is not None

    @classmethod
    def parse(cls, get: Get) -> "TailOptions":
        version, timestamp = get("startingVersion"), get("startingTimestamp")
        if version is not None and timestamp is not None:
            raise DeltaIllegalArgumentException(
                "DELTA_STARTING_VERSION_AND_TIMESTAMP_BOTH_SET",
                version="startingVersion",
                timestamp="startingTimestamp",
            )
        _refuse_schema_tracking(get)
        bytes_max = _size(get, "maxBytesPerTrigger")
        files_max = _count(get, "maxFilesPerTrigger")
        return cls(
            files_max=FILES_MAX if files_max is None and bytes_max is None else files_max,
            bytes_max=bytes_max,
            starting_version=_version(version),
            starting_timestamp=timestamp,
            ignore_deletes=_flag(get, "ignoreDeletes") or _flag(get, "ignoreFileDeletion"),
            ignore_changes=_flag(get, "ignoreChanges") or _flag(get, "ignoreFileDeletion"),
            skip_change_commits=_flag(get, "skipChangeCommits"),
            change_feed=_flag(get, "readChangeFeed") or _flag(get, "readChangeData"),
            event_time_order=_flag(get, "withEventTimeOrder"),
            fail_on_data_loss=_flag(get, "failOnDataLoss", "true"),
        )


def _refuse_schema_tracking(get: Get) -> None:
    """Without column mapping, which is refused too, there is nothing it could track."""
    for option in ("schemaTrackingLocation", "schemaLocation"):
        if get(option) is not None:
            raise DeltaUnsupportedOperationException(
                None, f"The option {option} needs column mapping, which cauce does not support."
            )


def _version(text: str | None) -> str | None:
    if text is not None and text.lower() != "latest" and not text.isdecimal():
        raise _invalid("startingVersion", text, "must be greater than or equal to zero")
    return text


def _count(get: Get, name: str) -> int | None:
    text = get(name)
    if text is not None and not (text.isdecimal() and int(text) > 0):
        raise _invalid(name, text, "must be a positive integer")
    return None if text is None else int(text)


def _size(get: Get, name: str) -> int | None:
    """Bytes, with Java's suffixes: `10m`, `1g`."""
    text = get(name)
    if text is None:
        return None
    units = {"b": 0, "k": 10, "kb": 10, "m": 20, "mb": 20, "g": 30, "gb": 30, "t": 40, "tb": 40}
    digits = text.strip().lower().rstrip("bkmgt")
    unit = text.strip().lower()[len(digits) :] or "b"
    if not (digits.isdecimal() and int(digits) > 0 and unit in units):
        raise _invalid(name, text, "must be a size configuration such as '10g'")
    return int(digits) << units[unit]


def _flag(get: Get, name: str, default: str = "false") -> bool:
    text = get(name) or default
    if text.lower() not in ("true", "false"):
        raise _invalid(name, text, "must be 'true' or 'false'")
    return text.lower() == "true"


def _invalid(name: str, text: str, explain: str) -> DeltaIllegalArgumentException:
    return DeltaIllegalArgumentException("DELTA_ILLEGAL_OPTION", name=name, input=text, explain=explain)
