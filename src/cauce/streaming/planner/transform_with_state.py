"""Planning transformWithState: a node that hands each key's rows to the user's processor."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from pyspark.serializers import CloudPickleSerializer
from pyspark.sql.connect.proto import Expression, GroupMap, Relation
from pyspark.sql.connect.types import proto_schema_to_pyspark_data_type
from pyspark.sql.streaming.stateful_processor import StatefulProcessor
from pyspark.sql.types import StructField, StructType, TimestampNTZType, TimestampType
from pyspark.util import PythonEvalType

from cauce.engine import EngineSession
from cauce.engine.substitute import Template
from cauce.errors import AnalysisException, IllegalArgumentException, UnsupportedOperationException
from cauce.plan.event_time import EventTimes
from cauce.plan.walk import is_streaming
from cauce.streaming.operators.kernels import pc
from cauce.streaming.operators.keys import GroupKeys
from cauce.streaming.operators.layout import StoreLayout
from cauce.streaming.operators.physical import physical
from cauce.streaming.operators.store_schema import StoreSchema
from cauce.streaming.operators.transform_with_state import (
    TIMER_STORES,
    BatchTimes,
    Input,
    PandasRows,
    PythonRows,
    TransformWithState,
)
from cauce.streaming.planner.group_state import key_column
from cauce.streaming.planner.nodes import Batch, Node, WatermarkNode, input_watermark_ms, table, walk_down

if TYPE_CHECKING:
    from cauce.streaming.planner.cut import Cutter

__all__ = ["TransformWithStateNode", "build_operator", "output_schema", "plan_transform_with_state"]

TIME_MODES = {"none": "NoTime", "processingtime": "ProcessingTime", "eventtime": "EventTime"}
OUTPUT_MODES = {"append": "Append", "update": "Update", "complete": "Complete"}

PANDAS = (
    PythonEvalType.SQL_TRANSFORM_WITH_STATE_PANDAS_UDF,
    PythonEvalType.SQL_TRANSFORM_WITH_STATE_PANDAS_INIT_STATE_UDF,
)


STREAMING_INITIAL_STATE = "Initial state of transformWithState cannot be a streaming DataFrame/Dataset"


@dataclass
class TransformWithStateNode:
    """Keys, the state variables of their processor, and its timers."""

    index: int
    child: Node
    operator: TransformWithState
    schema: StructType
    output_mode: str
    event_times: EventTimes
    """The column that the user named as event time of the output, if any."""
    initial: Template | None = None
    next_timer_ms: int | None = None
    """When the first processing-time timer is due, as the last batch left it."""

    @property
    def children(self) -> tuple[Node, ...]:
        return (self.child,)

    @property
    def operator_name(self) -> str:
        return self.operator.operator_name

    @property
    def store_schemas(self) -> Mapping[str, StoreSchema]:
        return self.operator.store_schemas

    @property
    def store_layouts(self) -> Mapping[str, StoreLayout]:
        return self.operator.layouts

    @property
    def deleted_stores(self) -> Collection[str]:
        """State variables that the processor asked to be deleted."""
        return self.operator.declarations.deleted

    @property
    def properties(self) -> dict[str, Any]:
        """What Spark keeps in the operator's metadata, and does not let a restart change."""
        variables = self.operator.declarations.variables.values()
        kinds = [(v.name, v.kind, v.ttl_ms is not None) for v in variables]
        timers = TIMER_STORES.get(self.operator.time_mode)
        if timers is not None:
            kinds.append((timers, "TimerState", False))
        return {
            "timeMode": self.operator.time_mode,
            "outputMode": self.output_mode,
            "stateVariables": [
                {"stateName": name, "stateVariableType": kind, "ttlEnabled": ttl} for name, kind, ttl in kinds
            ],
        }

    def output_watermark_ms(self, input_ms: int) -> int | None:
        """Rows given in processing time have no place in event time."""
        return None if self.operator.time_mode == "ProcessingTime" else input_ms

    def wants_batch(
        self, new_watermark_ms: int, last_watermark_ms: int, output_mode: str, *, now_ms: int
    ) -> bool:
        """Whether a timer may be due. In processing time Spark runs batches for ever; here one when it is."""
        if self.operator.time_mode == "ProcessingTime":
            return self.next_timer_ms is not None and self.next_timer_ms <= now_ms
        new_ms = input_watermark_ms(self.child, new_watermark_ms)
        last_ms = input_watermark_ms(self.child, last_watermark_ms)
        return new_ms is not None and last_ms is not None and new_ms > last_ms

    def rows(self, batch: Batch) -> pa.Table:
        stores = batch.stores[self.index]
        late_ms = input_watermark_ms(self.child, batch.late_watermark_ms)
        watermark_ms = input_watermark_ms(self.child, batch.watermark_ms) or 0
        times = BatchTimes(batch.timestamp_ms, late_ms, watermark_ms)
        rows = table(self.child, batch)
        output, metrics = self.operator.process(rows, self._initial_rows(batch), stores, times)
        timers = stores.get(TIMER_STORES.get(self.operator.time_mode, ""))
        self.next_timer_ms = None if timers is None else timers.next_expiry_us
        batch.operator_metrics[self.index] = metrics
        self._check_event_times(output, late_ms)
        return output

    def describe(self) -> str:
        return f"{self.operator_name} {self.operator.time_mode} [operator {self.index}]"

    def _initial_rows(self, batch: Batch) -> pa.Table | None:
        if self.initial is None or batch.batch_id > 0:
            return None
        return batch.engine.run(self.initial, {})

    def _check_event_times(self, output: pa.Table, late_watermark_ms: int | None) -> None:
        """A late row would be dropped, or worse, by operators above."""
        if late_watermark_ms is None:
            return
        for name in self.event_times:
            earliest_us = pc.min(physical(output.column(name))).as_py()
            if earliest_us is not None and earliest_us <= late_watermark_ms * 1000:
                raise UnsupportedOperationException(
                    "EMITTING_ROWS_OLDER_THAN_WATERMARK_NOT_ALLOWED",
                    currentWatermark=late_watermark_ms,
                    emittedRowEventTime=earliest_us,
                )


def plan_transform_with_state(cutter: "Cutter", relation: Relation) -> Node:
    """`groupBy(keys).transformWithState(...)`, over rows or in pandas."""
    body = relation.group_map
    if is_streaming(body.initial_input):
        raise AnalysisException("_LEGACY_ERROR_TEMP_3102", msg=STREAMING_INITIAL_STATE)
    child = cutter.cut(body.input)
    initial = Template(body.initial_input) if body.HasField("initial_input") else None
    operator = build_operator(
        body,
        cutter.engine,
        cutter.empty(child),
        None if initial is None else cutter.empty_table(cutter.engine.schema(initial)),
        event_time=next(iter(child.event_times), None),
    )
    node = TransformWithStateNode(
        len(cutter.stateful),
        child,
        operator,
        operator.schema,
        OUTPUT_MODES[body.output_mode.lower()],
        _output_event_times(body, operator.schema, child),
        initial,
    )
    cutter.stateful.append(node)
    return node


def build_operator(
    body: GroupMap,
    engine: EngineSession,
    empty: pa.Table,
    empty_initial: pa.Table | None,
    *,
    event_time: str | None = None,
) -> TransformWithState:
    """The operator that the client's message describes, over inputs of these columns."""
    function = body.func.python_udf
    schema = output_schema(body, engine)
    face = (PandasRows if function.eval_type in PANDAS else PythonRows)(schema, engine.time_zone)
    initial = None
    if empty_initial is not None:
        initial = _input(body.initial_grouping_expressions, empty_initial)
    return TransformWithState(
        _loader(function.command),
        _input(body.grouping_expressions, empty, event_time),
        initial,
        face=face,
        schema=schema,
        time_mode=_time_mode(body),
        parse_schema=engine.parse_ddl,
    )


def output_schema(body: GroupMap, engine: EngineSession) -> StructType:
    """The columns that the processor gives."""
    _time_mode(body)
    if body.output_mode.lower() not in OUTPUT_MODES:
        raise IllegalArgumentException("STREAMING_OUTPUT_MODE.INVALID", outputMode=body.output_mode)
    given = body.transform_with_state_info.output_schema
    if given.HasField("unparsed"):
        schema = engine.parse_ddl(given.unparsed.data_type_string)
    else:
        schema = proto_schema_to_pyspark_data_type(given)
        assert isinstance(schema, StructType)
    _event_time_field(body, schema)
    return schema


def _event_time_field(body: GroupMap, schema: StructType) -> StructField | None:
    """The column that the user named as event time, if any; refused if there is none of that name."""
    wanted = body.transform_with_state_info.event_time_column_name
    found = next((f for f in schema if f.name.lower() == wanted.lower()), None)
    if wanted and found is None:
        proposal = ", ".join(f"`{name}`" for name in schema.names)
        raise AnalysisException(
            "UNRESOLVED_COLUMN.WITH_SUGGESTION", objectName=f"`{wanted}`", proposal=proposal
        )
    return found


def _time_mode(body: GroupMap) -> str:
    given = body.transform_with_state_info.time_mode
    mode = TIME_MODES.get(given.lower())
    if mode is None:
        raise IllegalArgumentException("STATEFUL_PROCESSOR_UNKNOWN_TIME_MODE", timeMode=given)
    return mode


def _loader(command: bytes) -> Callable[[], StatefulProcessor]:
    """PySpark pickles a method of an object that holds the processor."""

    def load() -> StatefulProcessor:
        function, _ = CloudPickleSerializer().loads(command)
        return function.__self__._stateful_processor

    return load


def _input(keys: Sequence[Expression], empty: pa.Table, event_time: str | None = None) -> Input:
    names = [key_column(key, empty.column_names) for key in keys]
    return Input(tuple(empty.column_names), GroupKeys.of(empty.schema, names, None), event_time)


def _output_event_times(body: GroupMap, schema: StructType, child: Node) -> EventTimes:
    """The column named as event time, with the delay of the watermark below."""
    wanted = body.transform_with_state_info.event_time_column_name
    if not wanted:
        return {}
    delays = [node.delay_ms for node in walk_down(child) if isinstance(node, WatermarkNode)]
    if not delays:
        raise AnalysisException("CANNOT_ASSIGN_EVENT_TIME_COLUMN_WITHOUT_WATERMARK")
    found = _event_time_field(body, schema)
    assert found is not None
    if not isinstance(found.dataType, TimestampType | TimestampNTZType):
        raise AnalysisException(
            "EVENT_TIME_IS_NOT_ON_TIMESTAMP_TYPE",
            eventName=f"`{found.name}`",
            eventType=f'"{found.dataType.simpleString().upper()}"',
        )
    return {found.name: delays[0]}
