"""When a file log is compacted and what it may forget: Spark's arithmetic and settings."""

from dataclasses import dataclass

from cauce.conf import Conf, parse_time_ms
from cauce.errors import IllegalArgumentException

__all__ = ["CompactionSettings", "derived_interval", "is_compaction_batch"]


@dataclass(frozen=True)
class CompactionSettings:
    """Every `interval`-th file holds the whole log; older ones go after a delay that spares slow readers."""

    interval: int = 10
    deletes_expired: bool = True
    cleanup_delay_ms: int = 600_000
    batches_retained: int = 100

    @classmethod
    def of_sink(cls, conf: Conf) -> "CompactionSettings":
        return _settings(conf, "spark.sql.streaming.fileSink.log")

    @classmethod
    def of_source(cls, conf: Conf) -> "CompactionSettings":
        return _settings(conf, "spark.sql.streaming.fileSource.log")

    def expires_before(self, batch_id: int, interval: int) -> int:
        """The last compaction that batches still to be retained need; everything before it has expired."""
        oldest = batch_id + 1 - self.batches_retained
        return 0 if oldest < interval else oldest - oldest % interval - 1


def _settings(conf: Conf, prefix: str) -> CompactionSettings:
    defaults = CompactionSettings()
    interval = int(conf.get(f"{prefix}.compactInterval") or defaults.interval)
    if interval <= 0:
        message = (
            f"requirement failed: Please set {prefix}.compactInterval (was {interval}) to a positive value."
        )
        raise IllegalArgumentException(None, message)
    delay = conf.get(f"{prefix}.cleanupDelay")
    return CompactionSettings(
        interval=interval,
        deletes_expired=conf.get(f"{prefix}.deletion").lower() != "false",
        cleanup_delay_ms=parse_time_ms(delay, default_unit="ms") if delay else defaults.cleanup_delay_ms,
        batches_retained=conf.number("spark.sql.streaming.minBatchesToRetain"),
    )


def is_compaction_batch(batch_id: int, interval: int) -> bool:
    return (batch_id + 1) % interval == 0


def derived_interval(wanted: int, compacted_ids: list[int]) -> int:
    """The interval that suits the compacted files that are there already, as near to `wanted` as can be.

    Two files tell it. One file at batch N was written under some divisor of N+1: the smallest divisor
    that is not below `wanted`.
    """
    if not compacted_ids:
        return wanted
    *_, latest = ids = sorted(compacted_ids)
    if len(ids) > 1:
        return latest - ids[-2]
    return next((n for n in range(wanted, (latest + 1) // 2 + 1) if (latest + 1) % n == 0), latest + 1)
