"""Columns of text to dates and timestamps: whole columns at once where the spelling is plain."""

from collections.abc import Callable
from datetime import UTC, date, datetime, tzinfo
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql.types import DataType, DateType, TimestampNTZType

from cauce.formats.datetime_pattern import strptime_pattern
from cauce.formats.format_options import FormatOptions
from cauce.formats.text_values import parse_date, parse_timestamp

__all__ = ["moment_array", "moment_parser"]

PLAIN_DATE = r"^\d{4}-\d{2}-\d{2}$"
PLAIN_LOCAL = r"^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}(\.\d{1,6})?$"
PLAIN_ZONED = r"^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}(\.\d{1,6})?(Z|[+-]\d{2}:\d{2})$"

Moment = date | datetime


def moment_parser(kind: DataType, options: FormatOptions) -> Callable[[str], Moment | None]:
    """One value; None if the text is none."""
    zone: tzinfo | None = None if isinstance(kind, TimestampNTZType) else _zone(options)
    pattern = options.get(_option(kind))
    if pattern:
        code = strptime_pattern(pattern)
        return lambda text: _parse_with(code, text, kind, zone)
    if isinstance(kind, DateType):
        return parse_date
    return lambda text: parse_timestamp(text, zone, today=datetime.now(UTC).date())


def moment_array(text: pa.Array, kind: DataType, options: FormatOptions) -> pa.Array:
    """A date or timestamp for each text; null where the text is none."""
    if not options.get(_option(kind)):
        try:
            plain = _plain(text, kind, options)
        except pa.ArrowInvalid:
            plain = None  # A month 13, say, or a local time that a clock change skips.
        if plain is not None:
            return plain
    parse = moment_parser(kind, options)
    encoded = pc.dictionary_encode(text)
    values = pa.array([parse(value) for value in encoded.dictionary.to_pylist()], _arrow_type(kind))
    return values.take(encoded.indices)


def _plain(text: pa.Array, kind: DataType, options: FormatOptions) -> pa.Array | None:
    if isinstance(kind, DateType):
        return text.cast(pa.date32()) if _all_match(text, PLAIN_DATE) else None
    if isinstance(kind, TimestampNTZType):
        return text.cast(pa.timestamp("us")) if _all_match(text, PLAIN_LOCAL) else None
    if _all_match(text, PLAIN_ZONED):
        return text.cast(pa.timestamp("us", "UTC"))
    if not _all_match(text, PLAIN_LOCAL):
        return None
    local = pc.assume_timezone(text.cast(pa.timestamp("us")), options.time_zone, ambiguous="earliest")
    return local.cast(pa.timestamp("us", "UTC"))


def _all_match(text: pa.Array, pattern: str) -> bool:
    return pc.all(pc.match_substring_regex(text, pattern), min_count=0).as_py()


def _parse_with(code: str, text: str, kind: DataType, zone: tzinfo | None) -> Moment | None:
    try:
        parsed = datetime.strptime(text, code)
    except ValueError:
        return None
    if isinstance(kind, DateType):
        return parsed.date()
    if zone is None:
        return parsed.replace(tzinfo=None)
    return (parsed if parsed.tzinfo else parsed.replace(tzinfo=zone)).astimezone(UTC)


def _option(kind: DataType) -> str:
    if isinstance(kind, DateType):
        return "dateFormat"
    return "timestampNTZFormat" if isinstance(kind, TimestampNTZType) else "timestampFormat"


def _zone(options: FormatOptions) -> tzinfo:
    return UTC if options.time_zone in ("UTC", "Etc/UTC", "Z") else ZoneInfo(options.time_zone)


def _arrow_type(kind: DataType) -> pa.DataType:
    if isinstance(kind, DateType):
        return pa.date32()
    return pa.timestamp("us") if isinstance(kind, TimestampNTZType) else pa.timestamp("us", "UTC")
