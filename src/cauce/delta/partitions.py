"""Partitions chosen by conditions on their columns."""

from collections.abc import Sequence

import pyarrow as pa

from cauce.delta.actions import Metadata
from cauce.delta.constraints import expression_of
from cauce.delta.data_files import arrow_form
from cauce.delta.errors import DeltaAnalysisException
from cauce.delta.matching import Frame, rows_where
from cauce.delta.snapshot import Snapshot
from cauce.engine import EngineSession, input_leaf
from cauce.formats import constant_column

__all__ = ["partitions_where"]


def partitions_where(
    snapshot: Snapshot, conditions: Sequence[str], engine: EngineSession
) -> list[dict[str, str | None]]:
    """The values of the partitions that all conditions hold for."""
    table = snapshot.table
    if not table.partition_columns:
        raise DeltaAnalysisException(
            "DELTA_NON_PARTITION_COLUMN_REFERENCE", columnName=conditions[0], columnList=""
        )
    found = [
        dict(v)
        for v in {
            tuple(sorted(f.partition_values.items())): f.partition_values for f in snapshot.files.values()
        }.values()
    ]
    for condition in conditions:
        rows = _as_rows(found, table)
        frame = Frame("partitions", input_leaf("partitions"))
        positions = rows_where(rows, frame, expression_of(condition), engine)
        found = [found[position] for position in positions.to_pylist()]
    return found


def _as_rows(partitions: Sequence[dict[str, str | None]], table: Metadata) -> pa.Table:
    schema = arrow_form(table.partition_schema)
    columns = []
    for field in table.partition_schema:
        kind = schema.field(field.name).type
        parts = [constant_column(p.get(field.name) or None, field.dataType, kind, 1) for p in partitions]
        columns.append(pa.chunked_array(parts, kind))
    return pa.table(columns, names=schema.names)
