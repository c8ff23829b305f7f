"""Tables that stages give to the client: their Spark schema, told from the shapes of vectors and matrices."""

import pyarrow as pa
from pyspark.ml.linalg import MatrixUDT, VectorUDT
from pyspark.sql.pandas.types import from_arrow_type, to_arrow_schema
from pyspark.sql.types import ArrayType, DataType, StructField, StructType

from cauce.ml.vectors import MATRIX, VECTOR

__all__ = ["empty_batch", "spark_schema"]


def spark_schema(schema: pa.Schema) -> StructType:
    """Spark's schema of an Arrow table; structs of a vector's or matrix's shape are such columns."""
    return StructType([StructField(f.name, _spark_type(f.type), f.nullable) for f in schema])


def empty_batch(schema: StructType) -> pa.RecordBatch:
    """No rows of these columns: matrix arithmetic does not bear vectors of no size."""
    arrow = to_arrow_schema(schema, timezone="UTC")
    return pa.RecordBatch.from_arrays([pa.array([], f.type) for f in arrow], schema=arrow)


def _spark_type(kind: pa.DataType) -> DataType:
    if pa.types.is_struct(kind):
        names = [part.name for part in kind]
        if names == [part.name for part in VECTOR]:
            return VectorUDT()
        if names == [part.name for part in MATRIX]:
            return MatrixUDT()
        return StructType([StructField(f.name, _spark_type(f.type), f.nullable) for f in kind])
    if pa.types.is_list(kind):
        return ArrayType(_spark_type(kind.value_type), kind.value_field.nullable)
    return from_arrow_type(kind)
