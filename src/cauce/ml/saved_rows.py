"""The one row most models are saved as: numbers, vectors and matrices by name, to Arrow and back."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
from pyspark.ml.linalg import (
    DenseMatrix,
    Matrices,
    Matrix,
    MatrixUDT,
    SparseMatrix,
    Vector,
    Vectors,
    VectorUDT,
)

from cauce.ml.vectors import MATRIX, VECTOR

__all__ = ["compressed_matrix", "compressed_vector", "load_cell", "one_row", "row_of"]

ARRAY_HEADER_BYTES = 12


def one_row(cells: Mapping[str, Any]) -> pa.Table:
    """A table of one row; integers are `int`, floats `double`, lists of floats `array<double>`."""
    arrays = [_array(value) for value in cells.values()]
    fields = [
        pa.field(name, array.type, nullable=not pa.types.is_primitive(array.type))
        for name, array in zip(cells, arrays, strict=True)
    ]
    return pa.Table.from_arrays(arrays, schema=pa.schema(fields))


def row_of(table: pa.Table) -> dict[str, Any]:
    """The cells of the first row, vectors and matrices as pyspark.ml's."""
    return {name: load_cell(table.column(name)[0].as_py()) for name in table.column_names}


def load_cell(value: Any) -> Any:
    """A vector or matrix from its struct, else the value."""
    if isinstance(value, dict) and "numRows" in value:
        return MatrixUDT().deserialize(tuple(value[part.name] for part in MATRIX))
    if isinstance(value, dict) and "indices" in value:
        return VectorUDT().deserialize(tuple(value[part.name] for part in VECTOR))
    return value


def compressed_vector(values: np.ndarray) -> Vector:
    """The kind that takes less memory, as Spark's Vector.compressed."""
    places = np.flatnonzero(values)
    if 1.5 * (len(places) + 1.0) < len(values):
        return Vectors.sparse(len(values), places.tolist(), values[places].tolist())
    return Vectors.dense(values)


def compressed_matrix(values: np.ndarray) -> Matrix:
    """(rows, columns) in the kind that takes less memory, as Spark's Matrix.compressed; by row if dense."""
    stored = int(np.count_nonzero(values))
    rows, columns = values.shape
    by_column, by_row = _sparse_bytes(stored, columns + 1), _sparse_bytes(stored, rows + 1)
    if 8 * values.size + ARRAY_HEADER_BYTES + 9 <= min(by_column, by_row):
        return DenseMatrix(rows, columns, values.reshape(-1), True)
    if by_column <= by_row:
        pointers, indices, data = _sparse_parts(values.T)
        return Matrices.sparse(rows, columns, pointers, indices, data)
    return SparseMatrix(rows, columns, *_sparse_parts(values), isTransposed=True)


def _sparse_bytes(stored: int, pointers: int) -> int:
    return 12 * stored + 4 * pointers + 3 * ARRAY_HEADER_BYTES + 9


def _sparse_parts(values: np.ndarray) -> tuple[list[int], list[int], list[float]]:
    lines, places = np.nonzero(values)
    pointers = np.searchsorted(lines, np.arange(len(values) + 1))
    return pointers.tolist(), places.tolist(), values[lines, places].tolist()


def _array(value: Any) -> pa.Array:
    if isinstance(value, Vector):
        cell = dict(zip((part.name for part in VECTOR), VectorUDT().serialize(value), strict=True))
        return pa.array([cell], VECTOR)
    if isinstance(value, Matrix):
        cell = dict(zip((part.name for part in MATRIX), MatrixUDT().serialize(value), strict=True))
        return pa.array([cell], MATRIX)
    if isinstance(value, list):
        return pa.array([value], pa.list_(pa.field("element", pa.float64(), nullable=False)))
    kinds = {bool: pa.bool_(), int: pa.int32(), float: pa.float64(), str: pa.string()}
    return pa.array([value], kinds[type(value)])
