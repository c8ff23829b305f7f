"""What a case of pyspark.ml gave, in words to compare: columns with their metadata, rows, or the error."""

import re
from collections.abc import Callable
from typing import Any

from pyspark.errors import PySparkException
from pyspark.ml.linalg import DenseMatrix, DenseVector, SparseVector, Vectors
from pyspark.sql import DataFrame, SparkSession

__all__ = ["Cases", "answers", "people", "vectors"]

Cases = dict[str, Callable[[], Any]]

NAMES_OF_A_RUN = (
    (r"User defined function \(.*\) failed due to", "User defined function failed due to"),
    (r"Job aborted due to stage failure: .*?executor driver\): ", ""),
    (r"_[0-9a-f]{12}\b", "_UID"),
    (r"(NullPointerException): Cannot .* is null", r"\1"),
    (r"@[0-9a-f]{6,8}\b", "@"),
)
"""Closures, tasks, stages and objects are named after the run that has them."""


def answers(cases: Cases) -> dict[str, Any]:
    """The answer of every case, or its error: class, condition and the first line of its message."""
    return {name: answer(case) for name, case in cases.items()}


def answer(case: Callable[[], Any]) -> Any:
    try:
        return told(case())
    except PySparkException as error:
        line = str(error.getMessage() or error).split("\n")[0]
        for pattern, instead in NAMES_OF_A_RUN:
            line = re.sub(pattern, instead, line)
        return {"error": type(error).__name__, "condition": error.getCondition(), "message": line}
    except Exception as error:
        return {"error": type(error).__name__}


def told(value: Any) -> Any:
    if isinstance(value, DataFrame):
        fields = [field.jsonValue() for field in value.schema.fields]
        return {
            "fields": [field_told(field) for field in fields],
            "rows": [told(list(row)) for row in value.collect()],
        }
    if isinstance(value, SparseVector):
        return [
            f"sparse {value.size}",
            value.indices.tolist(),
            [told(cell) for cell in value.values.tolist()],
        ]
    if isinstance(value, DenseVector):
        return ["dense", [told(cell) for cell in value.values.tolist()]]
    if isinstance(value, DenseMatrix):
        return ["matrix", [[told(cell) for cell in row] for row in value.toArray().tolist()]]
    if isinstance(value, float):
        # The last digits depend on the order of additions.
        return f"{value:.11g}"
    if isinstance(value, dict):
        return {str(key): told(cell) for key, cell in value.items()}
    if isinstance(value, list | tuple):
        return [told(cell) for cell in value]
    return value if isinstance(value, bool | int | str | None) else repr(value)


def field_told(field: dict[str, Any]) -> list[Any]:
    kind = field["type"]
    named = kind.get("pyClass", kind["type"]) if isinstance(kind, dict) and kind["type"] == "udt" else kind
    return [field["name"], named, field["nullable"], field["metadata"]]


def people(spark: SparkSession) -> DataFrame:
    """Numbers, truths and words with nulls."""
    rows = [
        (0, 1.5, "ana", True, 3),
        (1, 0.0, "bo", False, 0),
        (2, -2.25, "ana", True, 7),
        (3, 4.0, "", False, 2),
        (4, 0.0, "ñandú", True, 0),
    ]
    return spark.createDataFrame(rows, "id int, x double, who string, ok boolean, n bigint")


def vectors(spark: SparkSession) -> DataFrame:
    """Dense and sparse vectors of size 4."""
    rows = [
        (0, Vectors.dense(1.0, -2.0, 0.5, 0.0)),
        (1, Vectors.sparse(4, [1], [3.0])),
        (2, Vectors.dense(0.0, 0.0, 0.0, 0.0)),
        (3, Vectors.sparse(4, [0, 3], [-1.5, 2.0])),
        (4, Vectors.sparse(4, [], [])),
        (5, Vectors.dense(2.0, 7.25, -0.5, 1e-3)),
    ]
    return spark.createDataFrame(rows, ["id", "v"])
