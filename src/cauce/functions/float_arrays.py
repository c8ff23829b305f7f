"""Functions of ARRAY<FLOAT> taken as vectors."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["vector_norm", "vector_normalize"]


def vector_norm(vectors: pa.Array, degrees: pa.Array | None = None) -> pa.Array:
    """The p-norm of each vector; 2 if no degree is given."""
    return pa.array(_norms(vectors, degrees), pa.float32(), from_pandas=True)


def vector_normalize(vectors: pa.Array, degrees: pa.Array | None = None) -> pa.Array:
    """Each vector divided by its p-norm; null where that is 0."""
    norms = _norms(vectors, degrees)
    norms[norms == 0] = np.nan
    lengths = pc.list_value_length(vectors).fill_null(0).to_numpy(zero_copy_only=False)
    values = _values(vectors) / np.repeat(norms, lengths)
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    lists = pa.ListArray.from_arrays(pa.array(offsets), pa.array(values.astype(np.float32)))
    return pc.if_else(pa.array(np.isnan(norms)), pa.scalar(None, lists.type), lists)


def _norms(vectors: pa.Array, degrees: pa.Array | None) -> np.ndarray:
    """(rows,) float64; NaN for a null vector or degree."""
    lengths = pc.list_value_length(vectors).fill_null(0).to_numpy(zero_copy_only=False)
    rows = np.repeat(np.arange(len(vectors)), lengths)
    values = np.abs(_values(vectors))
    given = pa.array(np.full(len(vectors), 2.0)) if degrees is None else degrees
    wanted = given.to_numpy(zero_copy_only=False).astype(np.float64)
    norms = np.full(len(vectors), np.nan)
    for degree in np.unique(wanted[~np.isnan(wanted)]):
        chosen = wanted == degree
        norms[chosen] = _norm(values, rows, len(vectors), degree)[chosen]
    norms[~vectors.is_valid().to_numpy(zero_copy_only=False)] = np.nan
    return norms


def _norm(values: np.ndarray, rows: np.ndarray, count: int, degree: float) -> np.ndarray:
    if np.isinf(degree):
        largest = np.zeros(count)
        np.maximum.at(largest, rows, values)
        return largest
    return np.bincount(rows, values**degree, count) ** (1 / degree)


def _values(vectors: pa.Array) -> np.ndarray:
    return vectors.flatten().to_numpy(zero_copy_only=False).astype(np.float64)
