"""Settings that stay what they were when the checkpoint began, whatever the session says now.

Spark keeps them in every offsets file; see OffsetSeqMetadata in its sources.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from cauce.conf import DEFAULTS, Conf

__all__ = ["locked_conf", "restore_locked_conf"]


@dataclass(frozen=True)
class Locked:
    """Spark 4.2's default, and what a checkpoint older than the setting means (None: the session's value)."""

    default: str
    legacy: str | None


# In the order in which Spark 4.2 writes them.
LOCKED: dict[str, Locked] = {
    "spark.sql.streaming.stateStore.providerClass": Locked(
        "org.apache.spark.sql.execution.streaming.state.HDFSBackedStateStoreProvider", None
    ),
    "spark.sql.streaming.stateStore.rocksdb.mergeOperatorVersion": Locked("2", "1"),
    "spark.sql.streaming.stateStore.rocksdb.formatVersion": Locked("5", None),
    "spark.sql.streaming.queryEvolution.enableSourceEvolution": Locked("false", "false"),
    "spark.sql.streaming.stateStore.encodingFormat": Locked("unsaferow", "unsaferow"),
    "spark.sql.streaming.statefulOperator.useStrictDistribution": Locked("true", "false"),
    "spark.sql.streaming.flatMapGroupsWithState.stateFormatVersion": Locked("2", "1"),
    "spark.sql.streaming.multipleWatermarkPolicy": Locked("min", "min"),
    "spark.sql.streaming.stateStore.rowChecksum.enabled": Locked("false", "false"),
    "spark.sql.streaming.aggregation.stateFormatVersion": Locked("2", "1"),
    "spark.sql.function.protobufExtensions.enabled": Locked("false", "false"),
    "spark.sql.shuffle.partitions": Locked("200", None),
    "spark.sql.streaming.join.stateFormatVersion": Locked("2", "1"),
    "spark.sql.streaming.stateStore.compression.codec": Locked("lz4", "lz4"),
    "spark.sql.optimizer.pruneFiltersCanPruneStreamingSubplan": Locked("false", "true"),
}


def locked_conf(conf: Conf) -> dict[str, str]:
    """What a batch's offsets file records, in Spark's order."""
    return {key: _value(conf, key) for key in LOCKED}


def restore_locked_conf(conf: Conf, recorded: Mapping[str, str]) -> Conf:
    """The session's settings, overridden by what the checkpoint recorded or, being old, implies."""
    implied = {key: locked.legacy for key, locked in LOCKED.items() if locked.legacy is not None}
    kept = {key: recorded[key] for key in LOCKED if key in recorded}
    return Conf({**conf.values, **implied, **kept})


def _value(conf: Conf, key: str) -> str:
    return conf.values.get(key, DEFAULTS.get(key, LOCKED[key].default))
