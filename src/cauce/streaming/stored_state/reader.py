"""`spark.read.format("statestore")` and `format("state-metadata")` as Arrow tables.

Follows StateDataSource.scala and StateMetadataSource.scala of Apache Spark 4.2.
"""

import json
from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from cauce.checkpoint import Checkpoint, OperatorProperties
from cauce.errors import SparkRuntimeException
from cauce.files import open_file_system, shown_path
from cauce.streaming.stored_state.changes import changes_between
from cauce.streaming.stored_state.options import StateReadOptions
from cauce.streaming.stored_state.stores import StoredStore, stores_of
from cauce.streaming.stored_state.variables import TIMERS, shape_of
from cauce.streaming.stored_state.versions import NOTHING, Version, references_of, version_of
from cauce.streaming.stored_state.views import key_type, pairs, value_type

__all__ = ["read_metadata", "read_state", "state_rows", "store_version"]

METADATA_SCHEMA = pa.schema(
    [
        ("operatorId", pa.int64()),
        ("operatorName", pa.string()),
        ("stateStoreName", pa.string()),
        ("numPartitions", pa.int32()),
        ("minBatchId", pa.int64()),
        ("maxBatchId", pa.int64()),
        ("operatorProperties", pa.string()),
    ]
)

JOIN = "symmetricHashJoin"
PARTITION = 0
"""A store of cauce is not split."""


def read_metadata(options: Mapping[str, str]) -> pa.Table:
    """The stores of a checkpoint, and the batches whose state can be read."""
    checkpoint = _checkpoint(options)
    batches = checkpoint.commits.folder.batch_ids()
    first, last = (batches[0], batches[-1]) if batches else (-1, -1)
    rows = [
        [
            operator.operator_id,
            operator.operator_name,
            store.name,
            store.partitions,
            first,
            last,
            _properties(checkpoint, operator.operator_id, last),
        ]
        for operator in checkpoint.operators.all()
        for store in operator.stores
    ]
    columns = [pa.array(list(column), kind) for column, kind in _columns(rows)]
    return pa.Table.from_arrays(columns, schema=METADATA_SCHEMA)


def read_state(options: Mapping[str, str], *, rows: bool = True) -> pa.Table:
    """The rows that the options ask for; without `rows` only their schema, in a table of none."""
    checkpoint = _checkpoint(options)
    asked = StateReadOptions.of(options, checkpoint)
    store = _store(checkpoint, asked)
    _refuse_variables(store, asked)
    schema = _schema(store, asked)
    if checkpoint.commits.get(asked.batch_id) is None:
        references_of(checkpoint, asked.batch_id)
    if checkpoint.offsets.get(asked.batch_id) is None:
        raise SparkRuntimeException(
            "STDS_OFFSET_LOG_UNAVAILABLE",
            batchId=asked.batch_id,
            checkpointLocation=shown_path(checkpoint.path),
        )
    if not rows or asked.partition not in (None, PARTITION):
        return schema.empty_table()
    if asked.change_start is not None:
        return _feed(checkpoint, store, asked.change_start, asked.batch_id).cast(schema)
    if store.is_variable:
        shape = shape_of(store, flattens=asked.flattens)
        columns = shape.columns(store_version(checkpoint, store, asked.batch_id).rows)
        return pa.Table.from_arrays([*columns, _partition(len(columns[0]))], names=schema.names).cast(schema)
    return state_rows(checkpoint, store, asked.batch_id).cast(schema)


def state_rows(checkpoint: Checkpoint, store: StoredStore, batch_id: int) -> pa.Table:
    """Key, value and partition_id of every row after a batch."""
    keys, values = pairs(store.layout, store.view, store_version(checkpoint, store, batch_id).rows)
    return pa.table({"key": keys, "value": values, "partition_id": _partition(len(keys))})


def _feed(checkpoint: Checkpoint, store: StoredStore, first: int, last: int) -> pa.Table:
    """The changes of some batches, in order."""
    tables = []
    old = store_version(checkpoint, store, first - 1) if first > 0 else _empty(checkpoint, store)
    for batch_id in range(first, last + 1):
        new = store_version(checkpoint, store, batch_id)
        for kind, keys, values in changes_between(old, new, store.view):
            columns = {
                "batch_id": pa.repeat(pa.scalar(batch_id, pa.int64()), len(keys)),
                "change_type": pa.repeat(pa.scalar(kind), len(keys)),
                "key": keys,
                "value": values,
                "partition_id": _partition(len(keys)),
            }
            tables.append(pa.table(columns))
        old = new
    empty = _schema(store, StateReadOptions(last, change_start=first)).empty_table()
    return pa.concat_tables([empty, *(table.cast(empty.schema) for table in tables)])


def store_version(checkpoint: Checkpoint, store: StoredStore, batch_id: int) -> Version:
    """The store as a batch left it."""
    references = references_of(checkpoint, batch_id)
    reference = references.get(str(store.operator.operator_id), {}).get(store.own_name, NOTHING)
    return version_of(checkpoint, store.path, store.layout, reference)


def _empty(checkpoint: Checkpoint, store: StoredStore) -> Version:
    return version_of(checkpoint, store.path, store.layout, NOTHING)


def _schema(store: StoredStore, asked: StateReadOptions) -> pa.Schema:
    pair = [
        pa.field("key", key_type(store.layout, store.view)),
        pa.field("value", value_type(store.layout, store.view)),
    ]
    if store.is_variable:
        pair = shape_of(store, flattens=asked.flattens).fields
    partition = pa.field("partition_id", pa.int32())
    if asked.change_start is None:
        return pa.schema([*pair, partition])
    changes = [pa.field("batch_id", pa.int64()), pa.field("change_type", pa.string())]
    return pa.schema([*changes, *pair, partition])


def _store(checkpoint: Checkpoint, asked: StateReadOptions) -> StoredStore:
    own = [s for s in stores_of(checkpoint) if s.operator.operator_id == asked.operator_id]
    if own and own[0].is_variable:
        return _variable(own, asked)
    if asked.join_side != "none":
        found = [s for s in own if s.own_name == asked.join_side and s.view == "numbered"]
        if found:
            return found[0].side()
    else:
        named = [s for s in own if s.name == asked.store_name]
        if named:
            return named[0]
        if own and asked.store_name != "default":
            raise _only_transform_with_state("stateVarName", "state variable names is", own[0])
    error = SparkRuntimeException("STDS_FAILED_TO_READ_STATE_SCHEMA", sourceOptions=asked.text(checkpoint))
    raise error


def _variable(own: list[StoredStore], asked: StateReadOptions) -> StoredStore:
    """The store of the variable, or of the timers, that is asked for."""
    if asked.reads_timers:
        timers = [store for store in own if store.own_name in TIMERS]
        if timers:
            return timers[0]
        raise _invalid("readRegisteredTimers", "The transformWithState operator has no timers.")
    if asked.state_variable is None:
        raise SparkRuntimeException("STDS_REQUIRED_OPTION_UNSPECIFIED", optionName="stateVarName")
    found = [store for store in own if store.own_name == asked.state_variable]
    if not found or asked.state_variable in TIMERS:
        message = f"State variable {asked.state_variable} is not defined for the transformWithState operator."
        raise _invalid("stateVarName", message)
    if asked.change_start is not None and shape_of(found[0], flattens=True).kind != "value":
        raise _invalid("readChangeFeed", "Only value state has a change feed; lists and maps are read whole.")
    return found[0]


def _refuse_variables(store: StoredStore, asked: StateReadOptions) -> None:
    if store.is_variable:
        return
    if asked.state_variable is not None:
        raise _only_transform_with_state("stateVarName", "state variable names is", store)
    if asked.reads_timers:
        raise _only_transform_with_state("readRegisteredTimers", "readRegisteredTimers=true is", store)


def _properties(checkpoint: Checkpoint, operator_id: int, last: int) -> str | None:
    """What Spark keeps of transformWithState, its variables in the order of their names and timers last."""
    kept = OperatorProperties(checkpoint.file_system, checkpoint.state_path, operator_id).before(last + 1)
    if kept is None:
        return None
    variables = kept["stateVariables"]
    ordered = sorted(variables, key=lambda v: (v["stateName"] in TIMERS, v["stateName"]))
    return json.dumps({**kept, "stateVariables": ordered}, separators=(",", ":"))


def _only_transform_with_state(option: str, what: str, store: StoredStore) -> SparkRuntimeException:
    message = (
        f"Providing {what} only supported with the transformWithState operator. "
        f"Found operator={store.operator.operator_name}. Please remove this option and re-run the query."
    )
    return _invalid(option, message)


def _invalid(option: str, message: str) -> SparkRuntimeException:
    return SparkRuntimeException("STDS_INVALID_OPTION_VALUE.WITH_MESSAGE", message, optionName=option)


def _checkpoint(options: Mapping[str, str]) -> Checkpoint:
    path = next((value for name, value in options.items() if name.lower() == "path"), None)
    if path is None:
        raise SparkRuntimeException("STDS_REQUIRED_OPTION_UNSPECIFIED", optionName="path")
    return Checkpoint(*open_file_system(path))


def _partition(count: int) -> pa.Array:
    return pa.repeat(pa.scalar(PARTITION, pa.int32()), count)


def _columns(rows: list[list[Any]]) -> list[tuple[list[Any], pa.DataType]]:
    return [([row[i] for row in rows], kind) for i, kind in enumerate(METADATA_SCHEMA.types)]
