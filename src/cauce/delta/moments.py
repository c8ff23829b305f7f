"""Moments as users write them in options and clauses, and as messages show them."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from cauce.delta.errors import DeltaAnalysisException

__all__ = ["parse_moment_ms", "spell_moment"]


def parse_moment_ms(text: str, time_zone: str) -> int:
    """`2024-01-01`, `2024-01-01 12:00:00.5`, `2024-01-01T12:00:00Z` in milliseconds since the epoch."""
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise DeltaAnalysisException("DELTA_TIMESTAMP_INVALID", expr=f"'{text}'") from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=ZoneInfo(time_zone))
    return int(moment.timestamp() * 1000)


def spell_moment(moment_ms: int) -> str:
    """`2024-01-01 12:00:00.5`, in UTC."""
    moment = datetime.fromtimestamp(moment_ms // 1000, UTC)
    millis = f"{moment_ms % 1000:03d}".rstrip("0")
    return f"{moment:%Y-%m-%d %H:%M:%S}.{millis or '0'}"
