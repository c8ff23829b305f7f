"""PolynomialExpansion: every product of features up to a degree. Interaction: products of columns."""

import functools
from itertools import product

import numpy as np
import pyarrow as pa
import scipy.sparse as sp
from pyspark.ml.linalg import VectorUDT
from pyspark.sql.types import BooleanType, NumericType, StructField, StructType

from cauce.errors import IllegalArgumentException, SparkError
from cauce.ml.attributes import Attribute, AttributeGroup, numeric
from cauce.ml.columns import (
    VECTOR_TYPE_NAME,
    appended,
    check_new,
    column,
    doubles,
    failed_function,
    field_of,
    require,
    unary_output,
    vectors_of,
)
from cauce.ml.stage import Transformer
from cauce.ml.vectors import as_dense, compressed_column, dense_rows, mixed_column

__all__ = ["Interaction", "PolynomialExpansion"]


class PolynomialExpansion(Transformer):
    """Products in Spark's order: (x, y) of degree 2 becomes x, x x, y, x y, y y."""

    valid = {"degree": lambda degree: degree >= 1}

    def output_schema(self, schema: StructType) -> StructType:
        return StructType(
            [*schema.fields, unary_output(schema, self.params["inputCol"], self.params["outputCol"])]
        )

    def transform(self, batch: pa.RecordBatch, schema: StructType) -> pa.RecordBatch:
        cells = vectors_of(batch, schema, self.params["inputCol"], "PolynomialExpansion")
        rows = as_dense(cells)
        powers = _powers(rows.shape[1], self.params["degree"])
        expanded = np.empty((len(cells), len(powers)))
        places: dict[tuple[int, ...], int | None] = {(): None}
        for place, power in enumerate(powers):
            places[power] = place
            before = places[power[:-1]]
            last = rows[:, power[-1]]
            expanded[:, place] = last if before is None else expanded[:, before] * last
        if not len(cells):
            return appended(batch, {self.params["outputCol"]: cells})
        return appended(
            batch, {self.params["outputCol"]: mixed_column(sp.csr_array(expanded), dense_rows(cells))}
        )


class Interaction(Transformer):
    """One feature for each combination of the columns' features; a category is one for each of its values."""

    def output_schema(self, schema: StructType) -> StructType:
        names = self.params.get("inputCols") or []
        require(names, "Input columns must be specified.")
        for name in names:
            if not isinstance(field_of(schema, name).dataType, NumericType | BooleanType | VectorUDT):
                message = f"requirement failed: Data type of {name} is not supported."
                raise IllegalArgumentException(None, message)
        check_new(schema, self.params["outputCol"])
        expanded = [_expanded(field_of(schema, name)) for name in names]
        combined = [":".join(parts) for parts in product(*expanded)]
        metadata = AttributeGroup.all([numeric(name) for name in combined]).metadata()
        return StructType(
            [*schema.fields, StructField(self.params["outputCol"], VectorUDT(), True, metadata)]
        )

    def transform(self, batch: pa.RecordBatch, schema: StructType) -> pa.RecordBatch:
        blocks = [_block(batch, schema, name) for name in self.params["inputCols"]]
        crossed = functools.reduce(_crossed, blocks)
        return appended(batch, {self.params["outputCol"]: compressed_column(crossed)})


@functools.cache
def _powers(size: int, degree: int) -> list[tuple[int, ...]]:
    """The factors of each product, as indices that do not fall: those of the first features first."""

    def up_to(last: int, left: int) -> list[tuple[int, ...]]:
        """Products of the features up to `last`, of at most `left` factors, by the power of the last one."""
        if last < 0 or left == 0:
            return [()]
        return [
            (*before, *([last] * power))
            for power in range(left + 1)
            for before in up_to(last - 1, left - power)
        ]

    return [power for power in up_to(size - 1, degree) if power]


def _expanded(field: StructField) -> list[str]:
    """The names of what a column becomes: one for each category, or each feature of a vector."""
    if not isinstance(field.dataType, VectorUDT):
        require(isinstance(field.dataType, NumericType), "")
        return _values(Attribute.of(field), field.name)
    known = AttributeGroup.of(field).attributes
    if known is None:
        raise SparkError(None, "Vector attributes must be defined for interaction.")
    names = [f"{field.name}_{one.name or place}" for place, one in enumerate(known)]
    return [name for one, shown in zip(known, names, strict=True) for name in _values(one, shown)]


def _values(attribute: Attribute, name: str) -> list[str]:
    if attribute.kind != "nominal":
        return [name]
    values = attribute.values or [str(number) for number in range(attribute.category_count or 0)]
    return [f"{name}_{value}" for value in values]


def _block(batch: pa.RecordBatch, schema: StructType, name: str) -> np.ndarray:
    field, cells = field_of(schema, name), column(batch, schema, name)
    if cells.null_count:
        reason = "org.apache.spark.SparkException: Values to interact cannot be null."
        raise failed_function("Interaction", reason, to=VECTOR_TYPE_NAME)
    if not isinstance(field.dataType, VectorUDT):
        return _one_hot(doubles(cells), Attribute.of(field))
    rows, known = as_dense(cells), AttributeGroup.of(field).attributes or ()
    return np.hstack([_one_hot(rows[:, place], one) for place, one in enumerate(known)])


def _one_hot(numbers: np.ndarray, attribute: Attribute) -> np.ndarray:
    if attribute.kind != "nominal":
        return numbers.reshape(-1, 1)
    return (numbers.reshape(-1, 1) == np.arange(attribute.category_count or 0)).astype(np.float64)


def _crossed(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    return (left[:, :, None] * right[:, None, :]).reshape(len(left), -1)
