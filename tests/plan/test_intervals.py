"""Durations: what Spark reads, what it refuses, and in which words."""

import pytest

from cauce.errors import AnalysisException, IllegalArgumentException
from cauce.plan.intervals import (
    CalendarInterval,
    parse_calendar_interval,
    parse_interval,
    parse_interval_us,
    parse_trigger_interval_ms,
    parse_watermark_delay_ms,
)

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE


@pytest.mark.parametrize(
    ("text", "interval"),
    [
        ("10 minutes 5 seconds", CalendarInterval(microseconds=10 * MINUTE + 5 * SECOND)),
        ("interval 5 minutes", CalendarInterval(microseconds=5 * MINUTE)),
        ("INTERVAL 5 MINUTES", CalendarInterval(microseconds=5 * MINUTE)),
        ("  5   minutes  ", CalendarInterval(microseconds=5 * MINUTE)),
        ("1 year 2 months", CalendarInterval(months=14)),
        ("5 weeks 2 days", CalendarInterval(days=37)),
        ("1.5 seconds", CalendarInterval(microseconds=1_500_000)),
        (".5 seconds", CalendarInterval(microseconds=500_000)),
        ("-.5 seconds", CalendarInterval(microseconds=-500_000)),
        ("1. seconds", CalendarInterval(microseconds=SECOND)),
        ("1.1234567 seconds", CalendarInterval(microseconds=1_123_456)),
        ("- 5 minutes", CalendarInterval(microseconds=-5 * MINUTE)),
        ("+5 minutes", CalendarInterval(microseconds=5 * MINUTE)),
        ("5 minutes -3 seconds", CalendarInterval(microseconds=5 * MINUTE - 3 * SECOND)),
        ("3 milliseconds 4 microseconds", CalendarInterval(microseconds=3_004)),
        ("5 seconds 5 seconds", CalendarInterval(microseconds=10 * SECOND)),
        ("9223372036854775807 microseconds", CalendarInterval(microseconds=2**63 - 1)),
    ],
)
def test_texts_spark_reads(text, interval):
    assert parse_calendar_interval(text) == interval


@pytest.mark.parametrize(
    ("text", "reason", "parameters"),
    [
        ("", "INPUT_IS_EMPTY", {}),
        ("interval", "INPUT_IS_EMPTY", {}),
        ("intervalx 5 minutes", "INVALID_PREFIX", {"prefix": "intervalx"}),
        ("minutes", "UNRECOGNIZED_NUMBER", {"number": "minutes"}),
        ("PT10S", "UNRECOGNIZED_NUMBER", {"number": "pt10s"}),
        ("interval '5' minutes", "UNRECOGNIZED_NUMBER", {"number": "'5'"}),
        ("5", "MISSING_UNIT", {"word": "5"}),
        ("5 hour 3", "MISSING_UNIT", {"word": "3"}),
        ("5 minutes -", "MISSING_NUMBER", {"word": "-"}),
        ("5 foo", "INVALID_UNIT", {"unit": "foo"}),
        ("3 ms", "INVALID_UNIT", {"unit": "ms"}),
        ("5 hourss", "INVALID_UNIT", {"unit": "hourss"}),
        ("5minutes", "INVALID_VALUE", {"value": "5minutes"}),
        ("1 day 2:03:04", "INVALID_VALUE", {"value": "2:03:04"}),
        ("1.5 minutes", "INVALID_FRACTION", {"unit": "minutes"}),
        ("1.0000000001 seconds", "INVALID_PRECISION", {"value": "1.0000000001"}),
        ("9223372036854775808 microseconds", "ARITHMETIC_EXCEPTION", {}),
        ("9999999999 days", "ARITHMETIC_EXCEPTION", {}),
    ],
)
def test_texts_spark_refuses(text, reason, parameters):
    with pytest.raises(IllegalArgumentException) as caught:
        parse_calendar_interval(text)
    assert caught.value.condition == f"INVALID_INTERVAL_FORMAT.{reason}"
    assert caught.value.parameters == {"input": text, **parameters}
    assert caught.value.sqlstate == "22006"


@pytest.mark.parametrize(
    ("text", "interval"),
    [
        ("5 minutes", CalendarInterval(microseconds=5 * MINUTE)),
        ("interval 5 minutes 3 seconds", CalendarInterval(microseconds=5 * MINUTE + 3 * SECOND)),
        ("interval '5' minutes", CalendarInterval(microseconds=5 * MINUTE)),
        ("interval '5' minutes '3' seconds", CalendarInterval(microseconds=5 * MINUTE + 3 * SECOND)),
        ("interval '5 minutes'", CalendarInterval(microseconds=5 * MINUTE)),
        ("interval -'5' minutes", CalendarInterval(microseconds=-5 * MINUTE)),
        ("interval '-5' minutes", CalendarInterval(microseconds=-5 * MINUTE)),
        ("interval 1 week", CalendarInterval(microseconds=7 * 24 * HOUR)),
        (
            "interval '1 2:03:04' day to second",
            CalendarInterval(microseconds=26 * HOUR + 3 * MINUTE + 4 * SECOND),
        ),
        (
            "interval '-1 2:03:04' day to second",
            CalendarInterval(microseconds=-26 * HOUR - 3 * MINUTE - 4 * SECOND),
        ),
        ("interval '02:03.5' minute to second", CalendarInterval(microseconds=2 * MINUTE + 3_500_000)),
        ("interval '1-2' year to month", CalendarInterval(months=14)),
    ],
)
def test_sql_literals_are_read_where_windows_and_watermarks_are(text, interval):
    assert parse_interval(text) == interval


@pytest.mark.parametrize(
    "text", ["interval 5", "interval '5'", "interval5 minutes", "interval 5 minutes ago", "1 d"]
)
def test_an_unreadable_interval_is_named(text):
    with pytest.raises(AnalysisException) as caught:
        parse_interval(text)
    assert caught.value.condition == "CANNOT_PARSE_INTERVAL"
    assert caught.value.parameters["intervalString"].replace("\\", "") == f"'{text}'"


def test_a_window_may_not_have_months():
    assert parse_interval_us("1 day") == 24 * HOUR
    assert parse_interval_us("1 month -1 month") == 0
    with pytest.raises(IllegalArgumentException) as caught:
        parse_interval_us("-1 month")
    assert str(caught.value) == "Intervals greater than a month is not supported (-1 month)."


def test_a_delay_counts_31_days_a_month_and_is_never_negative():
    """Telling case 10: "1 month -40 days" is an error."""
    assert parse_watermark_delay_ms("10 seconds") == 10_000
    assert parse_watermark_delay_ms("1 month -31 days") == 0
    with pytest.raises(IllegalArgumentException) as caught:
        parse_watermark_delay_ms("1 month -40 days")
    assert str(caught.value) == (
        "requirement failed: delay threshold (1 month -40 days) should not be negative."
    )


def test_a_trigger_has_no_months_and_is_never_negative():
    assert parse_trigger_interval_ms("interval 5 seconds") == 5_000
    assert parse_trigger_interval_ms("0 seconds") == 0
    with pytest.raises(IllegalArgumentException, match="Doesn't support month or year interval: 1 month"):
        parse_trigger_interval_ms("1 month")
    with pytest.raises(IllegalArgumentException, match="the interval of trigger should not be negative"):
        parse_trigger_interval_ms("-1 seconds")
