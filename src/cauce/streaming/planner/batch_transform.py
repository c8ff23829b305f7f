"""transformWithState over a batch: one batch from empty state, of which nothing is kept."""

from collections.abc import Mapping

import pyarrow as pa
from pyspark.sql.connect.proto import Relation
from pyspark.sql.pandas.types import to_arrow_schema

from cauce.clock import SystemClock
from cauce.engine import EngineSession
from cauce.files import LocalFileSystem
from cauce.state import StateStore
from cauce.streaming.operators.store_schema import StoreSchema
from cauce.streaming.operators.transform_with_state import BatchTimes
from cauce.streaming.planner.transform_with_state import build_operator, output_schema

__all__ = ["empty_output", "run_once"]

NOWHERE = "memory"
"""The path of stores that are never committed, and so never written."""


def empty_output(relation: Relation, engine: EngineSession) -> pa.Table:
    """No rows, in the columns that the processor gives."""
    schema = output_schema(relation.group_map, engine)
    return to_arrow_schema(schema, timezone=engine.time_zone).empty_table()


def run_once(relation: Relation, engine: EngineSession) -> pa.Table:
    """The rows of a transformWithState whose inputs the engine can run."""
    body = relation.group_map
    rows = engine.run(body.input)
    initial = engine.run(body.initial_input) if body.HasField("initial_input") else None
    operator = build_operator(body, engine, rows, initial)
    times = BatchTimes(SystemClock().now_ms(), late_watermark_ms=None, watermark_ms=None)
    output, _ = operator.process(rows, initial, _stores(operator.store_schemas), times)
    return output


def _stores(schemas: Mapping[str, StoreSchema]) -> dict[str, StateStore]:
    return {
        name: StateStore.open(
            LocalFileSystem(),
            NOWHERE,
            key_schema=schema.key,
            value_schema=schema.value,
            reference=None,
            event_time=schema.event_time,
            multi_row=schema.multi_row,
            prefix_columns=schema.prefix_columns,
        )
        for name, schema in schemas.items()
    }
