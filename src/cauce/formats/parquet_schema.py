"""The columns of a Parquet file as Spark, or cauce, noted them when writing it."""

import json

import pyarrow.parquet as pq
from pyspark.sql.types import StructType

from cauce.files import local_copy

__all__ = ["ROW_METADATA", "has_int96", "noted_schema"]

ROW_METADATA = b"org.apache.spark.sql.parquet.row.metadata"


def noted_schema(path: str) -> StructType | None:
    """The schema in the file's footer; None if another program wrote the file.

    It says what Parquet itself cannot, above all that Spark's INT96 timestamps are moments.
    """
    noted = (pq.read_metadata(local_copy(path)).metadata or {}).get(ROW_METADATA)
    return None if noted is None else StructType.fromJson(json.loads(noted))


def has_int96(path: str) -> bool:
    """Whether the file has timestamps in the form that Spark writes by default and others do not."""
    columns = pq.read_metadata(local_copy(path)).schema
    return any(columns.column(index).physical_type == "INT96" for index in range(len(columns)))
