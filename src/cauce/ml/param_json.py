"""Parameter values as Spark writes them into the JSON of saved stages, and back."""

import math
from typing import Any

import numpy as np
from pyspark.ml.linalg import DenseMatrix, DenseVector, Matrix, SparseMatrix, SparseVector, Vector

__all__ = ["param_from_json", "param_to_json", "plain"]

NAMED_NUMBERS = {"NaN": math.nan, "Inf": math.inf, "-Inf": -math.inf}


def plain(value: Any) -> Any:
    """Numpy's scalars and arrays as Python's numbers and lists."""
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value


def param_to_json(value: Any) -> Any:
    """What `json.dumps` writes as Spark's Param.jsonEncode does."""
    value = plain(value)
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Inf" if value > 0 else "-Inf"
    if isinstance(value, list):
        return [param_to_json(item) for item in value]
    if isinstance(value, Vector):
        return _vector_to_json(value)
    if isinstance(value, Matrix):
        return _matrix_to_json(value)
    return value


def param_from_json(value: Any) -> Any:
    """The parameter's value. A text that spells NaN or infinity is a number, as no text parameter has it."""
    if isinstance(value, str):
        return NAMED_NUMBERS.get(value, value)
    if isinstance(value, list):
        return [param_from_json(item) for item in value]
    if isinstance(value, dict) and value.get("class") == "vector":
        return _vector_from_json(value)
    if isinstance(value, dict) and value.get("class") == "matrix":
        return _matrix_from_json(value)
    return value


def _vector_to_json(vector: Vector) -> dict[str, Any]:
    if isinstance(vector, SparseVector):
        indices, values = vector.indices.tolist(), vector.values.tolist()
        return {"class": "vector", "type": 0, "size": vector.size, "indices": indices, "values": values}
    return {"class": "vector", "type": 1, "values": vector.toArray().tolist()}


def _vector_from_json(value: dict[str, Any]) -> Vector:
    if value["type"] == 0:
        return SparseVector(value["size"], value["indices"], value["values"])
    return DenseVector(value["values"])


def _matrix_to_json(matrix: Matrix) -> dict[str, Any]:
    shape = {"class": "matrix", "numRows": matrix.numRows, "numCols": matrix.numCols}
    if isinstance(matrix, SparseMatrix):
        parts = {"colPtrs": matrix.colPtrs.tolist(), "rowIndices": matrix.rowIndices.tolist()}
        values = matrix.values.tolist()
        return {**shape, "type": 0, **parts, "values": values, "isTransposed": bool(matrix.isTransposed)}
    assert isinstance(matrix, DenseMatrix)
    return {**shape, "type": 1, "values": matrix.values.tolist(), "isTransposed": bool(matrix.isTransposed)}


def _matrix_from_json(value: dict[str, Any]) -> Matrix:
    shape = value["numRows"], value["numCols"]
    if value["type"] == 0:
        parts = value["colPtrs"], value["rowIndices"], value["values"]
        return SparseMatrix(*shape, *parts, value["isTransposed"])
    return DenseMatrix(*shape, value["values"], value["isTransposed"])
