"""The options of `spark.read.format("statestore")`, checked in Spark's order and words.

Follows StateSourceOptions in StateDataSource.scala of Apache Spark 4.2.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from cauce.checkpoint import Checkpoint
from cauce.conf import parse_integer
from cauce.errors import IllegalArgumentException, SparkRuntimeException
from cauce.files import shown_path

__all__ = ["StateReadOptions", "last_batch", "no_committed_batch"]

DEFAULT_STORE = "default"
JOIN_SIDES = ("left", "right", "none")
SNAPSHOT_OPTIONS = ("snapshotStartBatchId", "snapshotPartitionId")


@dataclass(frozen=True)
class StateReadOptions:
    """Which store to read, at which batch, or the changes of which batches."""

    batch_id: int
    operator_id: int = 0
    store_name: str = DEFAULT_STORE
    join_side: str = "none"
    change_start: int | None = None
    """The first batch of a change feed that ends with `batch_id`."""
    state_variable: str | None = None
    reads_timers: bool = False
    flattens: bool = True
    partition: int | None = None
    """Only this partition, as a snapshot's reader wants it."""

    @classmethod
    def of(cls, given: Mapping[str, str], checkpoint: Checkpoint) -> "StateReadOptions":
        """The options as the user wrote them, in any case; `checkpoint` tells the last batch."""
        options = _Given({name.lower(): value for name, value in given.items()})
        operator_id = options.number("operatorId") or 0
        _refuse_negative("operatorId", operator_id)
        store_name = (options.text("storeName") or DEFAULT_STORE).strip()
        if not store_name or options.text("storeName") == "":
            raise SparkRuntimeException("STDS_INVALID_OPTION_VALUE.IS_EMPTY", optionName="storeName")
        join_side = options.text("joinSide") or "none"
        if join_side not in JOIN_SIDES:
            raise _invalid("joinSide", f"Valid values are {','.join(JOIN_SIDES)}")
        if join_side != "none" and store_name != DEFAULT_STORE:
            raise _conflict("joinSide", "storeName")
        variable, timers = options.text("stateVarName"), options.flag("readRegisteredTimers")
        if timers and variable is not None:
            raise _conflict("readRegisteredTimers", "stateVarName")
        if timers and join_side != "none":
            raise _conflict("joinSide", "readRegisteredTimers")
        flattens = options.flag("flattenCollectionTypes", default=True)
        batches = _changes if options.flag("readChangeFeed") else _version
        batch_id, change_start = batches(options, join_side, checkpoint)
        return cls(
            batch_id,
            operator_id,
            store_name,
            join_side,
            change_start,
            variable.strip() if variable is not None else None,
            timers,
            flattens,
            options.number("snapshotPartitionId"),
        )

    def text(self, checkpoint: Checkpoint) -> str:
        """As Spark prints them in errors."""
        changes = (
            ""
            if self.change_start is None
            else f", changeStartBatchId={self.change_start}, changeEndBatchId={self.batch_id}"
        )
        return (
            f"StateSourceOptions(checkpointLocation=file:{checkpoint.path}, batchId={self.batch_id}, "
            f"operatorId={self.operator_id}, storeName={self.store_name}, joinSide={self.join_side}, "
            f"stateVarName={self.state_variable or 'None'}, "
            f"flattenCollectionTypes={str(self.flattens).lower()}{changes})"
        )


@dataclass(frozen=True)
class _Given:
    """Options by their name in lower case."""

    values: Mapping[str, str]

    def text(self, name: str) -> str | None:
        return self.values.get(name.lower())

    def number(self, name: str) -> int | None:
        text = self.text(name)
        return None if text is None else parse_integer(text)

    def flag(self, name: str, *, default: bool = False) -> bool:
        text = self.text(name)
        if text is None:
            return default
        if text.lower() not in ("true", "false"):
            raise IllegalArgumentException(None, f'For input string: "{text}"')
        return text.lower() == "true"


def _version(options: _Given, join_side: str, checkpoint: Checkpoint) -> tuple[int, None]:
    """The batch after which the state is wanted."""
    for name in ("changeStartBatchId", "changeEndBatchId"):
        if options.number(name) is not None:
            raise _invalid(name, "Only specify this option when readChangeFeed is set to true.")
    given = options.number("batchId")
    batch_id = last_batch(checkpoint) if given is None else given
    _refuse_negative("batchId", batch_id)
    start, partition = (options.number(name) for name in SNAPSHOT_OPTIONS)
    _refuse_negative("snapshotStartBatchId", start)
    if start is not None and start > batch_id:
        raise _invalid("snapshotStartBatchId", f"value should be less than or equal to {batch_id}")
    _refuse_negative("snapshotPartitionId", partition)
    for name, other in ((SNAPSHOT_OPTIONS[0], partition), (SNAPSHOT_OPTIONS[1], start)):
        if other is not None and options.number(name) is None:
            raise SparkRuntimeException("STDS_REQUIRED_OPTION_UNSPECIFIED", optionName=name)
    return batch_id, None


def _changes(options: _Given, join_side: str, checkpoint: Checkpoint) -> tuple[int, int]:
    """The last and the first batch of a change feed."""
    if join_side != "none":
        raise _conflict("joinSide", "readChangeFeed")
    for name in ("batchId", *SNAPSHOT_OPTIONS):
        if options.number(name) is not None:
            raise _conflict(name, "readChangeFeed")
    start, end = options.number("changeStartBatchId"), options.number("changeEndBatchId")
    if start is None:
        raise SparkRuntimeException("STDS_REQUIRED_OPTION_UNSPECIFIED", optionName="changeStartBatchId")
    end = last_batch(checkpoint) if end is None else end
    _refuse_negative("changeStartBatchId", start)
    if end < start:
        raise _invalid(
            "changeEndBatchId",
            "changeEndBatchId cannot be smaller than changeStartBatchId. Please check the input to "
            "changeEndBatchId, or if you are using its default value, make sure that changeStartBatchId is "
            f"less than {end}.",
        )
    return end, start


def last_batch(checkpoint: Checkpoint) -> int:
    """The last committed batch."""
    latest = checkpoint.commits.latest_id()
    if latest is None:
        raise no_committed_batch(checkpoint)
    return latest


def no_committed_batch(checkpoint: Checkpoint) -> SparkRuntimeException:
    return SparkRuntimeException(
        "STDS_COMMITTED_BATCH_UNAVAILABLE", checkpointLocation=shown_path(checkpoint.path)
    )


def _refuse_negative(name: str, value: int | None) -> None:
    if value is not None and value < 0:
        raise SparkRuntimeException("STDS_INVALID_OPTION_VALUE.IS_NEGATIVE", optionName=name)


def _invalid(name: str, message: str) -> SparkRuntimeException:
    return SparkRuntimeException("STDS_INVALID_OPTION_VALUE.WITH_MESSAGE", message, optionName=name)


def _conflict(*names: str) -> SparkRuntimeException:
    listed = ", ".join(f"'{name}'" for name in names)
    return SparkRuntimeException("STDS_CONFLICT_OPTIONS", options=f"[{listed}]")
