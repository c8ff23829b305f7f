"""From the text of one value to a date or timestamp, as `CAST(text AS ...)` reads it."""

import re
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

__all__ = ["parse_date", "parse_timestamp"]

DATE = re.compile(r"([+-]?\d{4,7})(?:-(\d{1,2})(?:-(\d{1,2})(?:[ T].*)?)?)?", re.DOTALL)
TIMESTAMP = re.compile(
    r"(?:(\d{4,6})(?:-(\d{1,2})(?:-(\d{1,2}))?)?)?"
    r"(?:(?:(?<=\d)[ T]|(?<!\d)T?)(\d{1,2})(?::(\d{1,2})(?::(\d{1,2})(?:\.(\d{0,9})\d*)?)?)?)?"
    r"\s*(Z|UTC|GMT|[+-]\d{1,2}(?::?\d{2})?(?::?\d{2})?|(?:UTC|GMT|UT)[+-][\d:]+|[A-Za-z]+(?:/[A-Za-z_+\-0-9]+)+)?"
)


def parse_date(text: str) -> date | None:
    """`2024-01-02`, also without day or month, also with a time after it; None if it is no date."""
    match = DATE.fullmatch(text.strip())
    if match is None:
        return None
    try:
        return date(int(match[1]), int(match[2] or 1), int(match[3] or 1))
    except ValueError:
        return None


def parse_timestamp(text: str, zone: tzinfo | None, *, today: date | None = None) -> datetime | None:
    """A moment in UTC; with `zone` None, a wall clock, for which a zone in the text is an error."""
    match = TIMESTAMP.fullmatch(text.strip())
    if match is None or not (match[1] or (match[4] and match[5])):
        return None
    # A time needs a whole date before it, a zone a whole time.
    if (match[4] and match[1] and not match[3]) or (match[8] and not match[6]):
        return None
    try:
        return _moment(match, zone, today)
    except (ValueError, OverflowError, ZoneInfoNotFoundError):
        return None


def _moment(match: re.Match[str], zone: tzinfo | None, today: date | None) -> datetime | None:
    day = date(int(match[1]), int(match[2] or 1), int(match[3] or 1)) if match[1] else today
    if day is None or (zone is None and match[8]):
        return None
    microseconds = int(f"{match[7] or '':0<6}"[:6])
    time = (int(match[4] or 0), int(match[5] or 0), int(match[6] or 0), microseconds)
    local = datetime(day.year, day.month, day.day, *time)
    if zone is None:
        return local
    return local.replace(tzinfo=_zone(match[8]) if match[8] else zone).astimezone(UTC)


def _zone(name: str) -> tzinfo:
    name = re.sub(r"^(?:UTC|GMT|UT)(?=[+-])", "", name)
    if name in ("Z", "UTC", "GMT"):
        return UTC
    if name[0] in "+-":
        digits = name[1:].split(":") if ":" in name else re.findall(r"\d{1,2}", name[1:])
        hours, minutes, seconds = (int(part) for part in (*digits, 0, 0)[:3])
        offset = timedelta(hours=hours, minutes=minutes, seconds=seconds)
        return timezone(-offset if name[0] == "-" else offset)
    return ZoneInfo(name)
