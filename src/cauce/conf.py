"""Configuration keys that cauce reads, with Spark's names and defaults; and how Spark reads values."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from cauce.errors import IllegalArgumentException, NumberFormatException

__all__ = [
    "DEFAULTS",
    "CaseInsensitive",
    "Conf",
    "parse_boolean",
    "parse_bytes",
    "parse_integer",
    "parse_time_ms",
]

DEFAULTS: dict[str, str] = {
    "spark.connect.session.connectML.mlCache.memoryControl.enabled": "true",
    "spark.connect.session.connectML.mlCache.memoryControl.maxInMemorySize": "2g",
    "spark.connect.session.connectML.mlCache.memoryControl.maxModelSize": "1g",
    "spark.connect.session.connectML.mlCache.memoryControl.maxStorageSize": "10g",
    "spark.connect.session.connectML.mlCache.memoryControl.offloadingTimeout": "15m",
    "spark.sql.ansi.enabled": "true",
    "spark.sql.shuffle.partitions": "200",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.streaming.checkpointLocation": "",
    "spark.sql.streaming.forceDeleteTempCheckpointLocation": "false",
    "spark.sql.streaming.metricsEnabled": "false",
    "spark.sql.streaming.minBatchesToRetain": "100",
    "spark.sql.streaming.multipleWatermarkPolicy": "min",
    "spark.sql.streaming.noDataMicroBatches.enabled": "true",
    "spark.sql.streaming.noDataProgressEventInterval": "10000",
    "spark.sql.streaming.numRecentProgressUpdates": "100",
    "spark.sql.streaming.pollingDelay": "10",
    "spark.sql.streaming.schemaInference": "false",
    "spark.sql.streaming.stateStore.stateSchemaCheck": "true",
    "spark.sql.streaming.statefulOperator.checkCorrectness.enabled": "true",
    "spark.sql.streaming.stopActiveRunOnRestart": "true",
    "spark.sql.streaming.stopTimeout": "0",
    "spark.sql.streaming.unsupportedOperationCheck": "true",
    "cauce.sql.streaming.deadLetterMaxRowsPerBatch": "1000",
    "cauce.sql.streaming.deadLetterPath": "",
    "cauce.sql.streaming.relaxed": "false",
}


@dataclass(frozen=True)
class Conf:
    """One immutable view of a session's settings; a query keeps the one it started with."""

    values: Mapping[str, str]

    def get(self, key: str) -> str:
        return self.values.get(key, DEFAULTS.get(key, ""))

    def flag(self, key: str) -> bool:
        return self.get(key).lower() == "true"

    def number(self, key: str) -> int:
        return int(self.get(key))


TIME_UNITS_MS = {"us": 0.001, "ms": 1, "s": 1000, "m": 60_000, "min": 60_000, "h": 3_600_000, "d": 86_400_000}


def parse_boolean(text: str) -> bool:
    """`true` or `false` in any case; anything else is an IllegalArgumentException, as in Spark."""
    if text.lower() not in ("true", "false"):
        raise IllegalArgumentException(None, f"{text} is not a boolean string.")
    return text.lower() == "true"


def parse_integer(text: str) -> int:
    """A decimal integer, refused in the words of Java's number parser."""
    if not re.fullmatch(r"[+-]?[0-9]+", text):
        raise NumberFormatException(None, f'For input string: "{text}"')
    return int(text)


def parse_time_ms(text: str, *, default_unit: str) -> int:
    """`10s`, `2h`, `7d`, `250ms` in milliseconds, rounded down; a bare number counts `default_unit`."""
    match = re.fullmatch(r"(-?[0-9]+)([a-z]+)?", text.strip().lower())
    unit = match and (match[2] or default_unit)
    if match is None or unit not in TIME_UNITS_MS:
        raise NumberFormatException(
            None,
            "Time must be specified as seconds (s), milliseconds (ms), microseconds (us), minutes (m or "
            f"min), hour (h), or day (d). E.g. 50s, 100ms, or 250us.\nFailed to parse time string: {text}",
        )
    return int(int(match[1]) * TIME_UNITS_MS[unit])


SIZE_UNITS_BYTES = {"b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40, "p": 1 << 50}


def parse_bytes(text: str) -> int:
    """`2g`, `512m`, `10kb`, or a bare number of bytes."""
    match = re.fullmatch(r"([0-9]+)([bkmgtp]?)b?", text.strip().lower())
    if match is None:
        raise NumberFormatException(
            None,
            "Size must be specified as bytes (b), kibibytes (k), mebibytes (m), gibibytes (g), "
            f"tebibytes (t), or pebibytes(p). E.g. 50b, 100k, or 250m.\nFailed to parse byte string: {text}",
        )
    return int(match[1]) * SIZE_UNITS_BYTES[match[2] or "b"]


class CaseInsensitive:
    """What a user wrote as options, found by name in any case."""

    options: Mapping[str, str]

    def get(self, name: str, default: str | None = None) -> str | None:
        wanted = name.lower()
        return next((value for key, value in self.options.items() if key.lower() == wanted), default)

    def integer(self, name: str, default: int) -> int:
        text = self.get(name)
        return default if text is None else parse_integer(text)

    def flag(self, name: str, default: bool) -> bool:
        text = self.get(name)
        return default if text is None else parse_boolean(text)
