"""Vector and matrix columns: Spark's structs in Arrow, and numpy and CSR views of them.

A vector is a struct (type: 0 sparse, 1 dense; size; indices; values), exactly VectorUDT's SQL type.
"""

from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import pyarrow as pa
import scipy.sparse as sp
from pyspark.ml.linalg import VectorUDT

__all__ = [
    "MATRIX",
    "VECTOR",
    "Stored",
    "as_csr",
    "as_dense",
    "compressed_column",
    "dense_column",
    "dense_rows",
    "is_vector",
    "matrix_column",
    "matrix_of",
    "mixed_column",
    "shape_of",
    "sizes",
    "sparse_column",
    "stored",
    "with_values",
]

VECTOR = pa.struct(
    [
        pa.field("type", pa.int8(), nullable=False),
        pa.field("size", pa.int32()),
        pa.field("indices", pa.list_(pa.field("item", pa.int32(), nullable=False))),
        pa.field("values", pa.list_(pa.field("item", pa.float64(), nullable=False))),
    ]
)
MATRIX = pa.struct(
    [
        pa.field("type", pa.int8(), nullable=False),
        pa.field("numRows", pa.int32(), nullable=False),
        pa.field("numCols", pa.int32(), nullable=False),
        pa.field("colPtrs", pa.list_(pa.field("item", pa.int32(), nullable=False))),
        pa.field("rowIndices", pa.list_(pa.field("item", pa.int32(), nullable=False))),
        pa.field("values", pa.list_(pa.field("item", pa.float64(), nullable=False))),
        pa.field("isTransposed", pa.bool_(), nullable=False),
    ]
)


def is_vector(kind: object) -> bool:
    """Whether a Spark type is VectorUDT."""
    return isinstance(kind, VectorUDT)


@dataclass(frozen=True)
class _Parts:
    """The buffers of a vector column without nulls."""

    is_dense: np.ndarray
    sizes: np.ndarray
    indices: np.ndarray
    value_offsets: np.ndarray
    values: np.ndarray


@dataclass(frozen=True)
class Stored:
    """Every stored number of a vector column: all those of dense rows, the listed ones of sparse rows."""

    values: np.ndarray
    rows: np.ndarray
    places: np.ndarray
    """Positions in the vectors."""


def stored(column: pa.StructArray) -> Stored:
    """The stored numbers in order. No null rows."""
    matrix = as_csr(column)
    rows = np.repeat(np.arange(len(column)), np.diff(matrix.indptr))
    return Stored(matrix.data, rows, matrix.indices)


def with_values(column: pa.StructArray, values: np.ndarray) -> pa.StructArray:
    """The same vectors, dense or sparse as they are, with other stored numbers. No null rows."""
    kinds, row_sizes, indices, lists = column.flatten()
    offsets = lists.offsets.to_numpy()
    offsets = offsets - offsets[0] if len(offsets) else np.zeros(1, dtype=np.int32)
    new = pa.ListArray.from_arrays(
        pa.array(offsets), pa.array(values.astype(np.float64)), type=VECTOR.field("values").type
    )
    return pa.StructArray.from_arrays([kinds, row_sizes, indices, new], fields=list(VECTOR))


def as_dense(column: pa.StructArray) -> np.ndarray:
    """(rows, size) float64; without a copy if all rows are dense. No null rows."""
    parts = _parts(column)
    rows = len(column)
    lengths = np.diff(parts.value_offsets)
    if rows and bool(parts.is_dense.all() and (lengths == lengths[0]).all()):
        return parts.values.reshape(rows, -1)
    return np.asarray(as_csr(column).todense())


def dense_rows(column: pa.StructArray) -> np.ndarray:
    """(rows,) bool: which vectors are dense. No null rows."""
    return _parts(column).is_dense


def sizes(column: pa.StructArray) -> np.ndarray:
    """(rows,) int: the size of every vector. No null rows."""
    parts = _parts(column)
    return np.where(parts.is_dense, np.diff(parts.value_offsets), parts.sizes)


def as_csr(column: pa.StructArray) -> sp.csr_array:
    """(rows, size) sparse; stored zeros of dense rows stay stored. No null rows."""
    parts = _parts(column)
    lengths = np.diff(parts.value_offsets)
    starts = np.repeat(parts.value_offsets[:-1], lengths)
    columns = np.arange(len(parts.values), dtype=np.int32) - starts.astype(np.int32)
    columns[np.repeat(~parts.is_dense, lengths)] = parts.indices
    row_sizes = np.where(parts.is_dense, lengths, parts.sizes)
    size = int(row_sizes.max()) if len(row_sizes) else 0
    return sp.csr_array((parts.values, columns, parts.value_offsets), shape=(len(column), size))


def shape_of(matrix: sp.csr_array) -> tuple[int, int]:
    """(rows, columns), which a type checker cannot see in scipy's sources."""
    return cast("tuple[int, int]", matrix.shape)


def dense_column(values: np.ndarray) -> pa.StructArray:
    """(rows, size) as dense vectors; copies nothing if `values` is contiguous float64."""
    rows, size = values.shape
    flat = pa.array(np.ascontiguousarray(values, dtype=np.float64).reshape(-1))
    offsets = pa.array(np.arange(rows + 1, dtype=np.int32) * np.int32(size))
    lists = pa.ListArray.from_arrays(offsets, flat, type=VECTOR.field("values").type)
    ones = pa.array(np.ones(rows, dtype=np.int8))
    nothing = pa.nulls(rows, VECTOR.field("indices").type)
    return pa.StructArray.from_arrays([ones, pa.nulls(rows, pa.int32()), nothing, lists], fields=list(VECTOR))


def compressed_column(rows: sp.csr_array | np.ndarray) -> pa.StructArray:
    """Rows each in the kind that takes less memory, as Spark's Vector.compressed; zeros are dropped."""
    if isinstance(rows, np.ndarray):
        if bool(_takes_less_dense(np.count_nonzero(rows, axis=1), rows.shape[1]).all()):
            return dense_column(rows + 0.0)  # Of the two zeros, only 0.0 is one that is not stored.
        rows = sp.csr_array(rows)
    # Copied, as its numbers may be those of an Arrow column, which nobody changes.
    rows = cast("sp.csr_array", rows.copy())
    rows.eliminate_zeros()
    return mixed_column(rows, _takes_less_dense(np.diff(rows.indptr), shape_of(rows)[1]))


def _takes_less_dense(stored: np.ndarray, size: int) -> np.ndarray:
    """As Spark counts: a sparse vector has 28 bytes and 12 for each number, a dense one 12 and 8."""
    return 12 * stored + 28 >= 8 * size + 12


def mixed_column(rows: sp.csr_array, is_dense: np.ndarray) -> pa.StructArray:
    """CSR rows as dense vectors where `is_dense`, else as sparse vectors of the stored entries."""
    if is_dense.all():
        return dense_column(np.asarray(rows.todense()))
    if not is_dense.any():
        return sparse_column(rows)
    rows.sort_indices()
    count, size = shape_of(rows)
    stored = np.diff(rows.indptr)
    offsets = np.concatenate([[0], np.cumsum(np.where(is_dense, size, stored))]).astype(np.int32)
    values = np.zeros(offsets[-1])
    within = np.arange(rows.nnz) - np.repeat(rows.indptr[:-1], stored)
    densely = np.repeat(is_dense, stored)
    values[np.repeat(offsets[:-1], stored) + np.where(densely, rows.indices, within)] = rows.data
    index_offsets = np.concatenate([[0], np.cumsum(np.where(is_dense, 0, stored))]).astype(np.int32)
    return _column(is_dense, size, (index_offsets, rows.indices[~densely]), (offsets, values))


def matrix_column(matrix: np.ndarray) -> pa.StructArray:
    """A column of one dense matrix, column by column as Spark keeps them."""
    rows, columns = matrix.shape
    numbers = matrix.astype(np.float64).ravel(order="F").tolist()
    cell = {"type": 1, "numRows": rows, "numCols": columns, "values": numbers, "isTransposed": False}
    return pa.array([cell], MATRIX)


def matrix_of(cell: dict[str, Any]) -> np.ndarray:
    """(rows, columns) of a matrix as Arrow gives it to Python."""
    shape = (cell["numRows"], cell["numCols"])
    if cell["type"] == 1:
        return np.array(cell["values"]).reshape(shape, order="C" if cell["isTransposed"] else "F")
    parts = (cell["values"], cell["rowIndices"], cell["colPtrs"])
    kind = sp.csr_array if cell["isTransposed"] else sp.csc_array
    return np.asarray(kind(parts, shape=shape).todense())


def sparse_column(rows: sp.csr_array) -> pa.StructArray:
    """CSR rows as sparse vectors, indices ascending."""
    rows.sort_indices()
    count, size = shape_of(rows)
    offsets = pa.array(rows.indptr.astype(np.int32))
    indices = pa.ListArray.from_arrays(
        offsets, pa.array(rows.indices.astype(np.int32)), type=VECTOR.field("indices").type
    )
    values = pa.ListArray.from_arrays(
        offsets, pa.array(rows.data.astype(np.float64)), type=VECTOR.field("values").type
    )
    kinds = pa.array(np.zeros(count, dtype=np.int8))
    sizes = pa.array(np.full(count, size, dtype=np.int32))
    return pa.StructArray.from_arrays([kinds, sizes, indices, values], fields=list(VECTOR))


def _column(
    is_dense: np.ndarray, size: int, indices: tuple[np.ndarray, ...], values: tuple[np.ndarray, ...]
) -> pa.StructArray:
    """Vectors of their lists' (offsets, items)."""
    mask = pa.array(is_dense)
    index_lists = pa.ListArray.from_arrays(
        pa.array(indices[0]),
        pa.array(indices[1].astype(np.int32)),
        type=VECTOR.field("indices").type,
        mask=mask,
    )
    value_lists = pa.ListArray.from_arrays(
        pa.array(values[0]), pa.array(values[1]), type=VECTOR.field("values").type
    )
    row_sizes = pa.array(np.full(len(is_dense), size, dtype=np.int32), mask=is_dense)
    kinds = pa.array(is_dense.astype(np.int8))
    return pa.StructArray.from_arrays([kinds, row_sizes, index_lists, value_lists], fields=list(VECTOR))


def _parts(column: pa.StructArray) -> _Parts:
    kinds, row_sizes, indices, values = column.flatten()
    # Offsets of a slice begin where the slice does, its flattened items at zero.
    offsets = values.offsets.to_numpy()
    return _Parts(
        is_dense=kinds.to_numpy(zero_copy_only=False) == 1,
        sizes=row_sizes.fill_null(0).to_numpy(zero_copy_only=False),
        indices=indices.flatten().to_numpy(),
        value_offsets=offsets - offsets[0] if len(offsets) else np.zeros(1, dtype=np.int32),
        values=values.flatten().to_numpy(),
    )
