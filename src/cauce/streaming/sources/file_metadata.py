"""What `_metadata` says about the file a row came from."""

import os
import re

import pyarrow as pa
from pyspark.sql.connect.proto import Expression
from pyspark.sql.pandas.types import to_arrow_type
from pyspark.sql.types import LongType, StringType, StructField, StructType, TimestampType

from cauce.files import FileStatus, shown_path
from cauce.plan.file_metadata import METADATA_COLUMN, METADATA_OPTION

__all__ = ["METADATA_FIELD", "METADATA_OPTION", "metadata_column", "metadata_expression"]

METADATA_TYPE = StructType(
    [
        StructField("file_path", StringType(), False),
        StructField("file_name", StringType(), False),
        StructField("file_size", LongType(), False),
        StructField("file_block_start", LongType(), False),
        StructField("file_block_length", LongType(), False),
        StructField("file_modification_time", TimestampType(), False),
    ]
)
METADATA_FIELD = StructField(METADATA_COLUMN, METADATA_TYPE, False)
# What java.net.URI leaves as it is in a path.
NOT_IN_URI = re.compile(r"[^\w.~/!$&'()*+,;=:@\u0080-\U0010ffff-]", re.ASCII)


def metadata_column(file: FileStatus, rows: int) -> pa.Array:
    """One struct, for each row of the file. A file is read whole, so its one block is the file."""
    kind = to_arrow_type(METADATA_TYPE, timezone="UTC")
    return pa.repeat(pa.scalar(_values(file), kind), rows)


def metadata_expression(file: FileStatus) -> Expression:
    """The same as a constant for a relation, under its column's name."""
    arguments = []
    for name, value in _values(file).items():
        label, constant = Expression(), Expression()
        label.literal.string = name
        if isinstance(value, str):
            constant.literal.string = value
        elif name == "file_modification_time":
            constant.literal.timestamp = value
        else:
            constant.literal.long = value
        arguments += [label, constant]
    struct = Expression.UnresolvedFunction(function_name="named_struct", arguments=arguments)
    made = Expression(unresolved_function=struct)
    return Expression(alias=Expression.Alias(expr=made, name=[METADATA_COLUMN]))


def _values(file: FileStatus) -> dict[str, str | int]:
    path = NOT_IN_URI.sub(lambda match: f"%{ord(match[0]):02X}", file.path)
    return {
        "file_path": shown_path(path),
        "file_name": os.path.basename(path),
        "file_size": file.size_bytes,
        "file_block_start": 0,
        "file_block_length": file.size_bytes,
        "file_modification_time": file.modified_ms * 1000,
    }
