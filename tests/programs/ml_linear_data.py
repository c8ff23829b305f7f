"""Small seeded data sets for the linear models, and how their answers are written down."""

import math
import re
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from pyspark.ml.linalg import DenseMatrix, DenseVector, Matrix, SparseVector, Vector, Vectors, VectorUDT
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import DoubleType, StructField, StructType

__all__ = ["answer", "classes", "frame", "numbers", "regression", "sample", "sparse_classes", "told"]

SCHEMA = StructType(
    [
        StructField("label", DoubleType()),
        StructField("weight", DoubleType()),
        StructField("features", VectorUDT()),
    ]
)
DIGITS = 5
NAMES = re.compile(r"(?<=[a-zA-Z])_[0-9a-f]{12}|(?<=User defined function )\(`.*?`:")
"""What differs from run to run: names of stages, and of the JVM's closures."""


def frame(spark: SparkSession, rows: Iterable[tuple[float, float, Vector]]) -> DataFrame:
    """Rows of (label, weight, features), in one partition."""
    plain = [(float(label), float(weight), vector) for label, weight, vector in rows]
    return spark.createDataFrame(plain, SCHEMA).coalesce(1)


def classes(
    seed: int, *, rows: int = 120, features: int = 4, count: int = 2, noise: float = 1.5, scale: float = 1.0
):
    """Overlapping clouds, one for each class, on columns of very different scales if `scale` is not 1."""
    random = np.random.default_rng(seed)
    centres = random.normal(size=(count, features))
    labels = random.integers(0, count, rows)
    points = centres[labels] + noise * random.normal(size=(rows, features))
    points *= scale ** np.arange(features)
    weights = np.round(random.uniform(0.25, 3.0, rows), 2)
    return [
        (label, weight, Vectors.dense(np.round(point, 4)))
        for label, weight, point in zip(labels, weights, points, strict=True)
    ]


def sparse_classes(seed: int, *, rows: int = 150, features: int = 12, count: int = 2):
    """Counts in a few of the columns."""
    random = np.random.default_rng(seed)
    truth = random.normal(size=(count, features))
    found = []
    for _ in range(rows):
        places = np.sort(random.choice(features, size=4, replace=False))
        values = random.integers(1, 5, 4).astype(float)
        scores = truth[:, places] @ values + 2 * random.normal(size=count)
        vector = Vectors.sparse(features, places.tolist(), values.tolist())
        found.append((int(np.argmax(scores)), round(random.uniform(0.5, 2.0), 2), vector))
    return found


def regression(
    seed: int,
    *,
    rows: int = 100,
    features: int = 5,
    noise: float = 0.5,
    link: Callable[[np.ndarray], np.ndarray] | None = None,
):
    """A linear truth with noise; `link` bends the mean."""
    random = np.random.default_rng(seed)
    truth = random.normal(size=features)
    points = random.normal(size=(rows, features)) * (1 + np.arange(features)) + random.normal(size=features)
    means = points @ truth * 0.3 + 1.0
    labels = (link(means) if link else means) + noise * random.normal(size=rows)
    weights = np.round(random.uniform(0.25, 3.0, rows), 2)
    return [
        (round(float(label), 4), weight, Vectors.dense(np.round(point, 4)))
        for label, weight, point in zip(labels, weights, points, strict=True)
    ]


def numbers(value: Any, digits: int = DIGITS) -> Any:
    """Numbers at the promised accuracy; vectors and matrices with their kind."""
    if isinstance(value, bool | int | str) or value is None:
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            return str(value)
        return 0.0 if abs(value) < 1e-6 else float(f"{value:.{digits}g}")
    if isinstance(value, DenseVector):
        return ["dense", numbers([float(v) for v in value], digits)]
    if isinstance(value, SparseVector):
        return [
            f"sparse {value.size}",
            value.indices.tolist(),
            numbers([float(v) for v in value.values], digits),
        ]
    if isinstance(value, Matrix):
        kind = "dense" if isinstance(value, DenseMatrix) else "sparse"
        rows = [[float(v) for v in row] for row in value.toArray()]
        return [f"{kind} matrix {value.isTransposed}", numbers(rows, digits)]
    if isinstance(value, dict):
        return {key: numbers(item, digits) for key, item in value.items()}
    if isinstance(value, np.ndarray):
        return numbers(value.tolist(), digits)
    return [numbers(item, digits) for item in value]


def sample(frame: DataFrame, *columns: str, rows: int = 4) -> list:
    """Some cells of the first rows."""
    return numbers([list(row) for row in frame.select(*columns).limit(rows).collect()])


def told(question: Callable[[], Any]) -> Any:
    """The answer, or the first line of what is said instead."""
    try:
        return numbers(question())
    except Exception as error:
        return f"{type(error).__name__}: {NAMES.sub('', str(error).strip().splitlines()[0])}"


def answer(things: dict[str, Callable[[], Any]]) -> dict[str, Any]:
    return {name: told(question) for name, question in things.items()}
