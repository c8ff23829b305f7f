"""Vectors of pyspark.ml as arrays and as text, a column at a time; functions that plans name by reference."""

import numpy as np
import pyarrow as pa

__all__ = ["double_array", "float_array", "vector_text"]


def double_array(vectors: pa.StructArray) -> pa.Array:
    """`vector_to_array(v)`: every number, zeros included."""
    return _array(vectors, pa.float64())


def float_array(vectors: pa.StructArray) -> pa.Array:
    """`vector_to_array(v, "float32")`."""
    return _array(vectors, pa.float32())


def vector_text(vectors: pa.StructArray) -> pa.Array:
    """Vectors as Spark prints them: [1.0,2.0] and (3,[1],[5.0])."""
    # One by one: texts are for people, who read few.
    return pa.array([None if v is None else _text(v) for v in vectors.to_pylist()], pa.string())


def _array(vectors: pa.StructArray, kind: pa.DataType) -> pa.Array:
    filled = vectors.drop_null()
    is_dense, sizes, indices, values = filled.flatten()
    dense = is_dense.to_numpy(zero_copy_only=False) == 1
    starts, stored = values.offsets.to_numpy(), values.flatten().to_numpy()
    counts = np.diff(starts)
    lengths = np.where(dense, counts, sizes.fill_null(0).to_numpy(zero_copy_only=False))
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    places = np.arange(len(stored)) - np.repeat(starts[:-1] - starts[0], counts)
    places[np.repeat(~dense, counts)] = indices.flatten().to_numpy()
    numbers = np.zeros(offsets[-1])
    numbers[np.repeat(offsets[:-1], counts) + places] = stored
    rows = pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), pa.array(numbers).cast(kind))
    return _with_nulls(rows, vectors)


def _with_nulls(rows: pa.ListArray, vectors: pa.StructArray) -> pa.Array:
    if not vectors.null_count:
        return rows
    there = vectors.is_valid().to_numpy(zero_copy_only=False)
    places = np.where(there, np.cumsum(there) - 1, 0)
    return rows.take(pa.array(places, mask=~there))


def _text(vector: dict) -> str:
    values = f"[{','.join(map(_number, vector['values']))}]"
    if vector["type"] == 1:
        return values
    return f"({vector['size']},[{','.join(map(str, vector['indices']))}],{values})"


def _number(value: float) -> str:
    """A number as Java prints it."""
    if value != value or value in (float("inf"), float("-inf")):
        return {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}[str(value)]
    if value == 0 or 1e-3 <= abs(value) < 1e7:
        return np.format_float_positional(value, trim="0")
    digits, _, exponent = np.format_float_scientific(value, trim="0").partition("e")
    return f"{digits}E{int(exponent)}"
