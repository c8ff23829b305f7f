"""ORC to Arrow."""

import io

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql.pandas.types import from_arrow_schema, to_arrow_schema
from pyspark.sql.types import DataType, StructField, StructType, TimestampNTZType, TimestampType

from cauce.formats.format_options import FormatOptions
from cauce.formats.orc_writer import KIND_NOTE, NTZ

__all__ = ["orc_schema", "read_orc"]


def read_orc(data: bytes, schema: StructType, options: FormatOptions) -> pa.Table:
    """The rows of one file; a column that is not in it is null. Timestamps are the session's wall clock."""
    # Imported here because it is slow to load and few streams read ORC.
    from pyarrow import orc

    table = orc.read_table(io.BytesIO(data))
    positions = {name.lower(): index for index, name in enumerate(table.column_names)}
    columns = []
    for field, target in zip(schema, to_arrow_schema(schema, timezone="UTC"), strict=True):
        index = positions.get(field.name.lower())
        if index is None:
            columns.append(pa.nulls(table.num_rows, target.type))
        elif isinstance(field.dataType, TimestampType):
            columns.append(_moments(table.column(index), options.time_zone))
        else:
            columns.append(table.column(index).cast(target.type))
    return pa.table(columns, schema=to_arrow_schema(schema, timezone="UTC"))


def orc_schema(path: str) -> StructType:
    """The columns of a file. ORC's timestamp is Spark's default one: a moment, in the session's zone."""
    from pyarrow import orc

    schema = orc.ORCFile(path).schema
    return StructType(
        [
            StructField(field.name, _as_noted(field.dataType, noted.metadata or {}))
            for field, noted in zip(from_arrow_schema(schema), schema, strict=True)
        ]
    )


def _as_noted(kind: DataType, notes: dict[bytes, bytes]) -> DataType:
    is_moment = isinstance(kind, TimestampNTZType) and notes.get(KIND_NOTE.encode()) != NTZ.encode()
    return TimestampType() if is_moment else kind


def _moments(column: pa.ChunkedArray, time_zone: str) -> pa.ChunkedArray:
    micros = column.cast(pa.timestamp("us", column.type.tz), safe=False)
    if column.type.tz is None:
        micros = pc.assume_timezone(micros, time_zone, ambiguous="earliest", nonexistent="latest")
    return micros.cast(pa.timestamp("us", "UTC"))
