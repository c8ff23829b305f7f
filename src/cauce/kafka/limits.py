"""Where a read begins or ends, as the options say it: by name, by offset, or by time."""

from collections.abc import Callable
from dataclasses import dataclass, field

from cauce.errors import IllegalArgumentException, NoSuchElementException
from cauce.kafka.offsets import EARLIEST, LATEST, Offsets, parse_offsets, parse_timestamps

__all__ = ["EARLIEST_LIMIT", "LATEST_LIMIT", "Limit", "limit_of"]

STRATEGIES = ("error", "latest")
Lookup = Callable[[str], str | None]


@dataclass(frozen=True)
class Limit:
    """One of: a position by name for all partitions, offsets, timestamps, one timestamp for all."""

    everywhere: int | None = None
    """EARLIEST or LATEST."""
    offsets: Offsets | None = None
    timestamps_ms: Offsets | None = None
    timestamp_ms: int | None = None
    latest_if_none: bool = field(default=False, compare=False)
    """A timestamp after the last record means the end, instead of an error."""


EARLIEST_LIMIT = Limit(EARLIEST)
LATEST_LIMIT = Limit(LATEST)


def limit_of(get: Lookup, prefix: str, default: Limit) -> Limit:
    """The limit that the `starting...` or `ending...` options ask for; a timestamp wins over offsets."""
    latest_if_none = _no_match_strategy(get) == "latest"
    timestamp = get(f"{prefix}Timestamp")
    if timestamp is not None:
        return Limit(timestamp_ms=_milliseconds(timestamp.strip()), latest_if_none=latest_if_none)
    timestamps = get(f"{prefix}OffsetsByTimestamp")
    if timestamps is not None:
        return Limit(timestamps_ms=parse_timestamps(timestamps.strip()), latest_if_none=latest_if_none)
    offsets = (get(f"{prefix}Offsets") or "").strip()
    if not offsets:
        return default if get(f"{prefix}Offsets") is None else Limit(offsets=parse_offsets(offsets))
    named = {"latest": LATEST_LIMIT, "earliest": EARLIEST_LIMIT}.get(offsets.lower())
    return named or Limit(offsets=parse_offsets(offsets))


def _no_match_strategy(get: Lookup) -> str:
    strategy = get("startingOffsetsByTimestampStrategy") or "error"
    if strategy.lower() not in STRATEGIES:
        raise NoSuchElementException(None, f"No value found for '{strategy.upper()}'")
    return strategy.lower()


def _milliseconds(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise IllegalArgumentException(None, f"Expected a single long value, got {text}") from None
