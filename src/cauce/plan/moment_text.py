"""Dates, times and intervals as Spark prints them in SQL text and column names."""

import datetime

from pyspark.sql.connect.proto.expressions_pb2 import Expression

__all__ = ["moment_text"]

DAY_TIME_NAMES = ("DAY", "HOUR", "MINUTE", "SECOND")
DAY_TIME_UNITS_US = (86_400_000_000, 3_600_000_000, 60_000_000, 1_000_000)
EPOCH = datetime.datetime(1970, 1, 1)


def moment_text(shape: str, literal: Expression.Literal) -> str | None:
    """Dates, times and intervals, in UTC; None for any other literal."""
    match shape:
        case "date":
            return f"DATE '{(EPOCH + datetime.timedelta(days=literal.date)).date()}'"
        case "timestamp" | "timestamp_ntz":
            moment = EPOCH + datetime.timedelta(microseconds=getattr(literal, shape))
            text = moment.isoformat(" ")
            return f"{shape.upper()} '{text.rstrip('0') if '.' in text else text}'"
        case "day_time_interval":
            return _day_time_text(literal)
        case "year_month_interval":
            return _year_month_text(literal)
        case "calendar_interval":
            interval = literal.calendar_interval
            parts = [
                (interval.months, "months"),
                (interval.days, "days"),
                (interval.microseconds, "microseconds"),
            ]
            return "INTERVAL " + (" ".join(f"{n} {unit}" for n, unit in parts if n) or "0 seconds")
        case _:
            return None


def _day_time_text(literal: Expression.Literal) -> str:
    """`INTERVAL '1 02:03' DAY TO MINUTE`: the units of its type, all of them where it has none."""
    units = literal.data_type.day_time_interval
    first, last = (units.start_field, units.end_field) if literal.HasField("data_type") else (0, 3)
    us = abs(literal.day_time_interval)
    text = ""
    for unit in range(first, last + 1):
        amount, us = divmod(us, DAY_TIME_UNITS_US[unit])
        digits = f"{amount}" if unit == 0 else f"{amount:02}"
        text += ("", " ", ":", ":")[unit] * (unit > first) + digits
    if last == 3 and us:
        text += f".{us:06}".rstrip("0")
    sign = "-" if literal.day_time_interval < 0 else ""
    return f"INTERVAL '{sign}{text}' {_units_text(DAY_TIME_NAMES[first], DAY_TIME_NAMES[last])}"


def _year_month_text(literal: Expression.Literal) -> str:
    units = literal.data_type.year_month_interval
    first, last = (units.start_field, units.end_field) if literal.HasField("data_type") else (0, 1)
    months = abs(literal.year_month_interval)
    sign = "-" if literal.year_month_interval < 0 else ""
    text = {(0, 0): f"{months // 12}", (1, 1): f"{months}", (0, 1): f"{months // 12}-{months % 12}"}[
        first, last
    ]
    return f"INTERVAL '{sign}{text}' {_units_text(('YEAR', 'MONTH')[first], ('YEAR', 'MONTH')[last])}"


def _units_text(first: str, last: str) -> str:
    return first if first == last else f"{first} TO {last}"
