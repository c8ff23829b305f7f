"""What models of one vector column share: the columns, checks of sizes, and rows of vectors on disk."""

from abc import abstractmethod
from collections.abc import Iterator
from typing import Any, Self

import numpy as np
import pyarrow as pa
from pyspark.ml.linalg import DenseVector, SparseVector, Vector, VectorUDT
from pyspark.sql.types import StructField, StructType

from cauce.ml.columns import (
    VECTOR_TYPE_NAME,
    appended,
    check_new,
    check_vector,
    failed_function,
    sized,
    vectors_of,
)
from cauce.ml.params import Params
from cauce.ml.stage import Dataset, Estimator, Model
from cauce.ml.vectors import as_dense, compressed_column, dense_column, dense_rows, sizes, stored, with_values

__all__ = ["VectorEstimator", "VectorModel", "inverse", "output_field", "shift_and_scale", "vector_batches"]


class VectorEstimator(Estimator):
    """Appends a vector column made of another one."""

    def output_schema(self, schema: StructType) -> StructType:
        return StructType([*schema.fields, output_field(self.params, schema)])


class VectorModel(Model):
    """Known by numpy vectors of one size, `saved` by name in the order of Spark's columns."""

    saved: tuple[str, ...]

    def __init__(self, params: Params, *vectors: np.ndarray) -> None:
        super().__init__(params)
        self.vectors = dict(zip(self.saved, vectors, strict=True))

    @property
    def size(self) -> int:
        """How many numbers a vector has."""
        return len(self.vectors[self.saved[0]])

    def output_schema(self, schema: StructType) -> StructType:
        return StructType([*schema.fields, sized(output_field(self.params, schema), self.size)])

    def transform(self, batch: pa.RecordBatch, schema: StructType) -> pa.RecordBatch:
        name = self.class_name.rpartition(".")[2]
        cells = vectors_of(batch, schema, self.params["inputCol"], name)
        wrong = sizes(cells) != self.size
        if wrong.any():
            reason = self.wrong_size(int(sizes(cells)[np.argmax(wrong)]))
            raise failed_function(name, reason, of=VECTOR_TYPE_NAME, to=VECTOR_TYPE_NAME)
        return appended(batch, {self.params["outputCol"]: self.change(cells) if len(cells) else cells})

    @abstractmethod
    def change(self, cells: pa.StructArray) -> pa.StructArray:
        """The new vectors."""

    def wrong_size(self, found: int) -> str:
        """What Spark says to a vector of another size."""
        bounds = f"Index {min(found, self.size)} out of bounds for length {min(found, self.size)}"
        return f"java.lang.ArrayIndexOutOfBoundsException: {bounds}"

    def vector(self, name: str) -> Vector:
        """One of the saved vectors, for the client: dense or sparse as Spark's Vector.compressed."""
        numbers = self.vectors[name]
        places = np.flatnonzero(numbers)
        if not dense_rows(compressed_column(numbers.reshape(1, -1)))[0]:
            return SparseVector(len(numbers), places, numbers[places])
        return DenseVector(numbers)

    def data(self) -> pa.Table:
        columns = {name: vector.reshape(1, -1) for name, vector in self.vectors.items()}
        return pa.table({name: compressed_column(vector) for name, vector in columns.items()})

    @classmethod
    def from_data(cls, params: Params, metadata: dict[str, Any], data: pa.Table) -> Self:
        columns = [data[name].combine_chunks() for name in cls.saved]
        return cls(params, *(as_dense(cells)[0] for cells in columns))


def inverse(numbers: np.ndarray, *, of_zero: float) -> np.ndarray:
    """1 / number, and something else for 0."""
    return np.where(numbers == 0, of_zero, 1.0 / np.where(numbers == 0, 1.0, numbers))


def vector_batches(dataset: Dataset, name: str) -> Iterator[pa.StructArray]:
    """A vector column in pieces that are not empty."""
    for batch in dataset.batches([name]):
        if batch.num_rows:
            yield batch.column(0)


def shift_and_scale(
    cells: pa.StructArray, shift: np.ndarray | None, scale: np.ndarray | None
) -> pa.StructArray:
    """Numbers less `shift`, times `scale`; sparse vectors stay so unless they are shifted."""
    if shift is None:
        if scale is None:
            return cells
        entries = stored(cells)
        with np.errstate(invalid="ignore"):
            return with_values(cells, entries.values * scale[entries.places])
    shifted = as_dense(cells) - shift
    return dense_column(shifted if scale is None else shifted * scale)


def output_field(params: Params, schema: StructType) -> StructField:
    """The new vector column, if the columns are as they must be."""
    check_vector(schema, params["inputCol"])
    check_new(schema, params["outputCol"])
    return StructField(params["outputCol"], VectorUDT())
