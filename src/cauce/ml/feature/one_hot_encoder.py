"""OneHotEncoder: category indices as vectors with a single 1."""

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import pyarrow as pa
import scipy.sparse as sp
from pyspark.ml.linalg import VectorUDT
from pyspark.sql.types import StructField, StructType

from cauce.errors import RuntimeException, SparkError, SparkRuntimeException
from cauce.ml.attributes import Attribute, AttributeGroup, binary
from cauce.ml.columns import (
    VECTOR_TYPE_NAME,
    appended,
    check_new,
    check_numeric,
    column,
    doubles,
    failed_function,
    field_of,
    java_double,
    require,
)
from cauce.ml.feature.many_columns import inputs_and_outputs, pairs_of
from cauce.ml.params import Params
from cauce.ml.stage import Dataset, Estimator, Model, attribute
from cauce.ml.vectors import sparse_column

__all__ = ["OneHotEncoder", "OneHotEncoderModel"]

INVALID = "invalidValues"


class OneHotEncoder(Estimator):
    """Learns how many categories there are: from metadata, else the greatest index plus one."""

    def output_schema(self, schema: StructType) -> StructType:
        drop, keep = self.params["dropLast"], self.params["handleInvalid"] == "keep"
        fields = list(schema.fields)
        for source, target in inputs_and_outputs(self.params):
            names = _names(check_numeric(schema, source))
            check_new(StructType(fields), target)
            names = None if names is None else _encoded(names, drop=drop, keep=keep)
            fields.append(_output(target, names))
        return StructType(fields)

    def fit(self, dataset: Dataset) -> "OneHotEncoderModel":
        sources = [source for source, _ in inputs_and_outputs(self.params)]
        fields = {source: field_of(dataset.schema, source) for source in sources}
        sizes = {source: _size(field) for source, field in fields.items()}
        unknown = [source for source in sources if sizes[source] is None]
        if unknown:
            sizes |= _greatest(dataset, unknown)
        return OneHotEncoderModel(self.params, [int(sizes[source] or 0) for source in sources])


class OneHotEncoderModel(Model):
    """Sizes of the columns, whatever of the last or invalid categories is asked for later."""

    class_name = "org.apache.spark.ml.feature.OneHotEncoderModel"

    def __init__(self, params: Params, sizes: Sequence[int]) -> None:
        super().__init__(params)
        self._sizes = list(sizes)

    @attribute
    def categorySizes(self) -> list[int]:
        """How many categories each column has."""
        return self._sizes

    def output_schema(self, schema: StructType) -> StructType:
        pairs = pairs_of(self.params)
        require(
            len(pairs) == len(self._sizes),
            f"The number of input columns {len(pairs)} must be the same as the number of "
            f"features {len(self._sizes)} during fitting.",
        )
        fields = list(schema.fields)
        for (source, target), size in zip(pairs, self._sizes, strict=True):
            known = _names(check_numeric(schema, source))
            check_new(StructType(fields), target)
            if known is not None and len(known) != size:
                raise SparkError(
                    None,
                    f"OneHotEncoderModel expected {size} categorical values for input column {source}, but "
                    f"the input column had metadata specifying {len(known)} values.",
                )
            names = [str(index) for index in range(size)] if known is None else known
            fields.append(_output(target, self._encoded(names)))
        return StructType(fields)

    def transform(self, batch: pa.RecordBatch, schema: StructType) -> pa.RecordBatch:
        new = {}
        for (source, target), size in zip(pairs_of(self.params), self._sizes, strict=True):
            new[target] = self._vectors(column(batch, schema, source), size)
        return appended(batch, new)

    def data(self) -> pa.Table:
        return pa.table({"categorySizes": pa.array([self._sizes], pa.list_(pa.int32()))})

    @classmethod
    def from_data(cls, params: Params, metadata: dict[str, Any], data: pa.Table) -> Self:
        return cls(params, data["categorySizes"][0].as_py())

    def _encoded(self, names: list[str]) -> list[str]:
        return _encoded(names, drop=self.params["dropLast"], keep=self.params["handleInvalid"] == "keep")

    def _vectors(self, cells: pa.Array, size: int) -> pa.StructArray:
        valid = cells.is_valid().to_numpy(zero_copy_only=False)
        numbers = np.where(valid, doubles(cells), 0.0)
        inside = (numbers >= 0) & (numbers < size)
        if not inside.all() and self.params["handleInvalid"] == "error":
            _refuse(float(numbers[np.argmin(inside)]))
        places = np.where(inside, numbers, size).astype(np.int64)
        keep = self.params["handleInvalid"] == "keep"
        width = max(size + keep - self.params["dropLast"], 0)
        ones = places < width
        offsets = np.concatenate([[0], np.cumsum(ones)])
        rows = sp.csr_array((np.ones(int(ones.sum())), places[ones], offsets), shape=(len(cells), width))
        vectors = sparse_column(rows)
        if valid.all():
            return vectors
        return pa.StructArray.from_arrays(vectors.flatten(), fields=list(vectors.type), mask=pa.array(~valid))


def _names(field: StructField) -> list[str] | None:
    """The names of the categories by the metadata, if it tells how many there are."""
    known = Attribute.of(field)
    if known.values is not None:
        return known.values
    if known.kind == "numeric":
        raise RuntimeException(None, f"The input column {field.name} cannot be continuous-value.")
    count = known.category_count
    return None if count is None else [str(index) for index in range(count)]


def _encoded(names: list[str], *, drop: bool, keep: bool) -> list[str]:
    names = [*names, INVALID] if keep else names
    return names[:-1] if drop else names


def _output(target: str, names: list[str] | None) -> StructField:
    require(all(names or ()), "Cannot have an empty string for name.")
    group = AttributeGroup() if names is None else AttributeGroup.all([binary(name) for name in names])
    return StructField(target, VectorUDT(), True, group.metadata())


def _size(field: StructField) -> int | None:
    names = _names(field)
    return None if names is None else len(names)


def _greatest(dataset: Dataset, names: list[str]) -> dict[str, int]:
    greatest = np.zeros(len(names))
    for batch in dataset.batches(names):
        for index, (name, cells) in enumerate(zip(names, batch.columns, strict=True)):
            if cells.null_count:
                raise SparkRuntimeException("ROW_VALUE_IS_NULL", index=index)
            numbers = doubles(cells)
            wrong = ~((numbers >= 0) & (numbers <= np.iinfo(np.int32).max) & (numbers == np.trunc(numbers)))
            if wrong.any():
                number = java_double(float(numbers[np.argmax(wrong)]))
                message = f"Values from column {name} must be indices, but got {number}."
                raise SparkError(None, f"java.lang.AssertionError: assertion failed: {message}")
            greatest[index] = max(greatest[index], numbers.max(initial=0.0))
    return {name: int(number) + 1 for name, number in zip(names, greatest, strict=True)}


def _refuse(number: float) -> None:
    text = java_double(number)
    reason = f"Unseen value: {text}. To handle unseen values, set Param handleInvalid to keep."
    if number < 0:
        reason = (
            f"Negative value: {text}. Input can't be negative. "
            "To handle invalid values, set Param handleInvalid to keep"
        )
    reason = f"org.apache.spark.SparkException: {reason}"
    raise failed_function("OneHotEncoderModel", reason, to=VECTOR_TYPE_NAME)
