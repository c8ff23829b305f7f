"""Durations as Spark's users write them: "10 minutes", "interval '5' seconds", "1 day -3 hours".

Two readers, as in Spark: the text reader of `IntervalUtils.stringToInterval`, and the reader used for
windows and watermarks, which also takes SQL interval literals. Window sizes, watermark delays and
trigger intervals have their own rules about months and negative values; each has one function here.
"""

import re
from dataclasses import dataclass
from typing import NoReturn

from cauce.errors import AnalysisException, IllegalArgumentException

__all__ = [
    "CalendarInterval",
    "parse_calendar_interval",
    "parse_interval",
    "parse_interval_us",
    "parse_trigger_interval_ms",
    "parse_watermark_delay_ms",
]

US_PER_DAY = 86_400_000_000
# Where a month must have a length (watermark delays), Spark says 31 days.
DAYS_PER_MONTH = 31

LONG_MAX = 2**63 - 1
INT_MAX = 2**31 - 1

# Unit -> (field of CalendarInterval, how many of the field's units it is).
UNITS = {
    "year": ("months", 12),
    "month": ("months", 1),
    "week": ("days", 7),
    "day": ("days", 1),
    "hour": ("microseconds", 3_600_000_000),
    "minute": ("microseconds", 60_000_000),
    "second": ("microseconds", 1_000_000),
    "millisecond": ("microseconds", 1_000),
    "microsecond": ("microseconds", 1),
}

QUOTED = re.compile(r"\s*'([^']*)'\s*")
# `interval -'5' minutes` and `interval '-5' minutes` mean what `interval -5 minutes` means.
QUOTED_VALUE = re.compile(r"'\s*([^']*?)\s*'")
RANGE = re.compile(r"\s*([+-]?)\s*'\s*([^']*?)\s*'\s*(\w+)\s+to\s+(\w+)\s*", re.IGNORECASE)
YEAR_MONTH = re.compile(r"([+-]?)(\d+)-(\d+)")
# The parts of a day-time literal by its first and last unit; seconds may have a fraction.
DAY_TIME_UNITS = ("day", "hour", "minute", "second")


@dataclass(frozen=True)
class CalendarInterval:
    """A length of time whose months and days have no fixed length in microseconds."""

    months: int = 0
    days: int = 0
    microseconds: int = 0

    @property
    def fixed_us(self) -> int:
        """Days and microseconds together, a day being 24 hours; months are left out."""
        return self.days * US_PER_DAY + self.microseconds

    @property
    def duration_us(self) -> int:
        """The whole length, a month being 31 days."""
        return self.months * DAYS_PER_MONTH * US_PER_DAY + self.fixed_us


def parse_interval_us(text: str) -> int:
    """A window's size, slide or start time in microseconds; months and years are refused."""
    interval = parse_interval(text)
    if interval.months:
        raise IllegalArgumentException("_LEGACY_ERROR_TEMP_3231", interval=text)
    return interval.fixed_us


def parse_watermark_delay_ms(text: str) -> int:
    """A watermark's delay in milliseconds (a month counts as 31 days); a negative one is refused."""
    interval = parse_interval(text)
    if interval.duration_us < 0:
        raise IllegalArgumentException(
            None, f"requirement failed: delay threshold ({text}) should not be negative."
        )
    return interval.duration_us // 1_000


def parse_trigger_interval_ms(text: str) -> int:
    """A trigger's interval in milliseconds; months and negative ones are refused."""
    interval = parse_calendar_interval(text)
    if interval.months:
        raise IllegalArgumentException("_LEGACY_ERROR_TEMP_3262", interval=text)
    if interval.fixed_us < 0:
        raise IllegalArgumentException(
            None, "requirement failed: the interval of trigger should not be negative"
        )
    return interval.fixed_us // 1_000


def parse_interval(text: str) -> CalendarInterval:
    """Read an interval as `withWatermark` and `window` do: plain text or a SQL interval literal."""
    try:
        return (
            _parse_literal(text)
            if text.strip().lower().startswith("interval")
            else parse_calendar_interval(text)
        )
    except IllegalArgumentException as error:
        quoted = text.replace("\\", "\\\\").replace("'", "\\'")
        raise AnalysisException("CANNOT_PARSE_INTERVAL", intervalString=f"'{quoted}'") from error


def parse_calendar_interval(text: str) -> CalendarInterval:
    """Read pairs of number and unit, as Spark's `stringToInterval`: "[interval] 5 minutes -3.5 seconds"."""
    words = text.lower().split()
    if words and words[0].startswith("interval"):
        if words[0] != "interval":
            _refuse("INVALID_PREFIX", text, prefix=words[0])
        words = words[1:]
    if not words:
        _refuse("INPUT_IS_EMPTY", text)
    total = {"months": 0, "days": 0, "microseconds": 0}
    at = 0
    while at < len(words):
        value, fraction, at = _read_number(text, words, at)
        field, amount = _read_unit(text, words, at, value, fraction)
        total[field] += amount
        _check_range(text, field, total[field])
        at += 1
    return CalendarInterval(**total)


def _read_number(text: str, words: list[str], at: int) -> tuple[int, int | None, int]:
    """Signed whole part, signed microseconds after the point (None without one), index of the unit's word."""
    word = words[at]
    sign = -1 if word[0] == "-" else 1
    digits = word.lstrip("+-") if word[0] in "+-" and word[1:2] not in ("+", "-") else word
    if word[0] not in "+-." and not _is_digit(word[0]):
        _refuse("UNRECOGNIZED_NUMBER", text, number=word)
    if digits == "":
        if at + 1 == len(words):
            _refuse("MISSING_NUMBER", text, word=word)
        at += 1
        digits = words[at]
    whole, point, decimals = digits.partition(".")
    if not all(map(_is_digit, whole + decimals)) or word == ".":
        _refuse("INVALID_VALUE", text, value=words[at])
    if len(decimals) > 9:
        _refuse("INVALID_PRECISION", text, value=words[at])
    if int(whole or "0") > LONG_MAX:
        _refuse("ARITHMETIC_EXCEPTION", text)
    if at + 1 == len(words):
        _refuse("MISSING_UNIT", text, word=words[at])
    fraction_us = int(decimals.ljust(9, "0")) // 1_000  # cut, not rounded, and cut towards zero
    return sign * int(whole or "0"), sign * fraction_us if point else None, at + 1


def _read_unit(text: str, words: list[str], at: int, value: int, fraction: int | None) -> tuple[str, int]:
    """Which field the unit adds to, and how much."""
    word = words[at]
    if fraction is not None and word[0] != "s":
        _refuse("INVALID_FRACTION", text, unit=word)
    unit = word if word in UNITS else word.removesuffix("s")
    if unit not in UNITS:
        _refuse("INVALID_UNIT", text, unit=word)
    field, factor = UNITS[unit]
    return field, value * factor + (fraction or 0)


def _check_range(text: str, field: str, amount: int) -> None:
    limit = LONG_MAX if field == "microseconds" else INT_MAX
    if not -limit - 1 <= amount <= limit:
        _refuse("ARITHMETIC_EXCEPTION", text)


def _parse_literal(text: str) -> CalendarInterval:
    """A SQL literal: `interval '5' minutes`, `interval '5 minutes'`, `interval '1 02:03' day to minute`."""
    body = text.strip()[len("interval") :]
    if whole := QUOTED.fullmatch(body):
        return _folded(text, parse_calendar_interval(whole.group(1)))
    if ranged := RANGE.fullmatch(body):
        sign, value, first, last = ranged.groups()
        return _parse_range(text, sign, value, first.lower(), last.lower())
    if body and not body[0].isspace() and body[0] not in "'+-":
        _refuse("INVALID_PREFIX", text, prefix=text.split()[0])
    return _folded(text, parse_calendar_interval(QUOTED_VALUE.sub(r" \1 ", body)))


def _folded(text: str, interval: CalendarInterval) -> CalendarInterval:
    """A literal has months or a day-time length, never both."""
    if interval.months and interval.fixed_us:
        _refuse("INVALID_UNIT", text, unit=text)
    return CalendarInterval(months=interval.months, microseconds=interval.fixed_us)


def _parse_range(text: str, sign: str, value: str, first: str, last: str) -> CalendarInterval:
    """An ANSI literal with a first and a last unit, as in `'1-2' year to month`."""
    negative = sign == "-"
    if value[:1] in ("+", "-"):
        negative ^= value[0] == "-"
        value = value[1:]
    if (first, last) == ("year", "month"):
        if not (match := YEAR_MONTH.fullmatch(value)):
            _refuse("INVALID_VALUE", text, value=value)
        months = int(match.group(2)) * 12 + int(match.group(3))
        return CalendarInterval(months=-months if negative else months)
    if first not in DAY_TIME_UNITS or last not in DAY_TIME_UNITS:
        _refuse("INVALID_UNIT", text, unit=f"{first} to {last}")
    units = DAY_TIME_UNITS[DAY_TIME_UNITS.index(first) : DAY_TIME_UNITS.index(last) + 1]
    parts = re.split(r"[ :]", value)
    if len(parts) != len(units):
        _refuse("INVALID_VALUE", text, value=value)
    spelled = " ".join(f"{part} {unit}" for part, unit in zip(parts, units, strict=True))
    us = parse_calendar_interval(spelled).fixed_us
    return CalendarInterval(microseconds=-us if negative else us)


def _is_digit(character: str) -> bool:
    return "0" <= character <= "9"


def _refuse(reason: str, text: str, **parameters: str) -> NoReturn:
    raise IllegalArgumentException(f"INVALID_INTERVAL_FORMAT.{reason}", input=text, **parameters)
