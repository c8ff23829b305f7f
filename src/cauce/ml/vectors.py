"""Vector and matrix columns: Spark's structs in Arrow, and numpy and CSR views of them.

A vector is a struct (type: 0 sparse, 1 dense; size; indices; values), exactly VectorUDT's SQL type.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import scipy.sparse as sp
from pyspark.ml.linalg import VectorUDT

__all__ = ["MATRIX", "VECTOR", "as_csr", "as_dense", "dense_column", "is_vector", "sparse_column"]

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
    index_offsets: np.ndarray
    indices: np.ndarray
    value_offsets: np.ndarray
    values: np.ndarray


def as_dense(column: pa.StructArray) -> np.ndarray:
    """(rows, size) float64; without a copy if all rows are dense. No null rows."""
    parts = _parts(column)
    rows = len(column)
    if rows and bool(parts.is_dense.all()):
        return parts.values.reshape(rows, -1)
    return np.asarray(as_csr(column).todense())


def as_csr(column: pa.StructArray) -> sp.csr_array:
    """(rows, size) sparse; stored zeros of dense rows stay stored. No null rows."""
    parts = _parts(column)
    lengths = np.diff(parts.value_offsets)
    starts = np.repeat(parts.value_offsets[:-1], lengths)
    columns = np.arange(len(parts.values), dtype=np.int32) - starts.astype(np.int32)
    columns[np.repeat(~parts.is_dense, lengths)] = parts.indices
    sizes = np.where(parts.is_dense, lengths, parts.sizes)
    size = int(sizes.max()) if len(sizes) else 0
    offsets = parts.value_offsets - parts.value_offsets[0]
    return sp.csr_array((parts.values, columns, offsets), shape=(len(column), size))


def dense_column(values: np.ndarray) -> pa.StructArray:
    """(rows, size) as dense vectors; copies nothing if `values` is contiguous float64."""
    rows, size = values.shape
    flat = pa.array(np.ascontiguousarray(values, dtype=np.float64).reshape(-1))
    offsets = pa.array(np.arange(rows + 1, dtype=np.int32) * np.int32(size))
    lists = pa.ListArray.from_arrays(offsets, flat, type=VECTOR.field("values").type)
    ones = pa.array(np.ones(rows, dtype=np.int8))
    nothing = pa.nulls(rows, VECTOR.field("indices").type)
    return pa.StructArray.from_arrays([ones, pa.nulls(rows, pa.int32()), nothing, lists], fields=list(VECTOR))


def sparse_column(rows: sp.csr_array) -> pa.StructArray:
    """CSR rows as sparse vectors, indices ascending."""
    rows.sort_indices()
    count, size = rows.shape
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


def _parts(column: pa.StructArray) -> _Parts:
    kinds, sizes, indices, values = column.flatten()
    return _Parts(
        is_dense=kinds.to_numpy(zero_copy_only=False) == 1,
        sizes=sizes.fill_null(0).to_numpy(zero_copy_only=False),
        index_offsets=indices.offsets.to_numpy(),
        indices=indices.flatten().to_numpy(),
        value_offsets=values.offsets.to_numpy(),
        values=values.flatten().to_numpy(),
    )
