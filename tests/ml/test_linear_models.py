"""Linear models without a server: slopes are those of the losses, and models that must agree do."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyspark.ml.linalg import VectorUDT
from pyspark.sql.types import DoubleType, StructField, StructType

from cauce.ml.instances import Block, Instances
from cauce.ml.java_random import JavaRandom
from cauce.ml.label_moments import moments_of
from cauce.ml.losses import Scale, binary_logistic, hinge, huber, least_squares, multinomial_logistic, weibull
from cauce.ml.params import Params
from cauce.ml.registry import ESTIMATORS
from cauce.ml.spark_random import seed_of
from cauce.ml.vectors import dense_column

RANDOM = np.random.default_rng(1)
POINTS = RANDOM.normal(size=(80, 3)) * [1.0, 5.0, 0.1]
CLASSES = (POINTS @ [1.0, 0.3, 2.0] + RANDOM.normal(size=80) > 0).astype(float)
WEIGHTS = RANDOM.uniform(0.5, 2.0, 80)


class Rows:
    """A dataset of (label, weight, features) in small batches."""

    schema = StructType(
        [
            StructField("label", DoubleType()),
            StructField("weight", DoubleType()),
            StructField("features", VectorUDT()),
        ]
    )

    def __init__(self, labels: np.ndarray) -> None:
        columns = {"label": labels, "weight": WEIGHTS, "features": dense_column(POINTS)}
        self._table = pa.table(columns)

    def batches(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        yield from self._table.select(list(columns)).to_batches(max_chunksize=33)

    def table(self, columns: Sequence[str]) -> pa.Table:
        return self._table.select(list(columns))


def fitted(name: str, labels: np.ndarray, **values: Any) -> Any:
    class_name = f"org.apache.spark.ml.{name}"
    return ESTIMATORS[class_name](Params(class_name, "stage", values)).fit(Rows(labels))


BLOCKS = [Block(CLASSES, WEIGHTS, POINTS)]
SCALE = Scale.of(moments_of(BLOCKS))
TIMES = [Block(np.exp(POINTS[:, 0]), CLASSES, POINTS)]
LOSSES = {
    "binary logistic": (binary_logistic(BLOCKS, SCALE, intercept=True, centred=True), 4),
    "not centred": (binary_logistic(BLOCKS, SCALE, intercept=True, centred=False), 4),
    "multinomial": (multinomial_logistic(BLOCKS, SCALE, 2, intercept=True, centred=True), 8),
    "hinge": (hinge(BLOCKS, SCALE, intercept=True), 4),
    "least squares": (least_squares(BLOCKS, SCALE, 0.0, 1.0, intercept=False), 3),
    "huber": (huber(BLOCKS, SCALE, 1.35, intercept=True), 5),
    "survival": (weibull(TIMES, SCALE, intercept=True), 5),
}


@pytest.mark.parametrize("name", LOSSES)
def test_the_gradient_is_the_slope_of_the_loss(name: str) -> None:
    loss, size = LOSSES[name]
    point = np.linspace(0.2, 0.7, size)
    slopes = [(loss(point + step)[0] - loss(point - step)[0]) / 2e-6 for step in 1e-6 * np.eye(size)]
    assert loss(point)[1] == pytest.approx(slopes, abs=1e-6)


def test_a_binomial_model_is_a_logistic_regression() -> None:
    long = {"maxIter": 200, "tol": 1e-12, "weightCol": "weight"}
    logistic = fitted("classification.LogisticRegression", CLASSES, **long)
    general = fitted(
        "regression.GeneralizedLinearRegression", CLASSES, family="binomial", weightCol="weight", tol=1e-10
    )
    assert general.coefficients().toArray() == pytest.approx(logistic.coefficients().toArray(), rel=1e-4)


def test_both_solvers_find_the_same_line() -> None:
    labels = POINTS @ [1.0, -0.5, 3.0] + WEIGHTS
    normal = fitted("regression.LinearRegression", labels, regParam=0.1, solver="normal")
    search = fitted("regression.LinearRegression", labels, regParam=0.1, solver="l-bfgs", tol=1e-12)
    assert search.coefficients().toArray() == pytest.approx(normal.coefficients().toArray(), rel=0.02)


@pytest.mark.parametrize("elastic", [0.0, 0.5])
def test_a_model_without_rows_is_refused(elastic: float) -> None:
    empty = Rows(CLASSES)
    empty._table = empty._table.slice(0, 0)
    params = Params("org.apache.spark.ml.regression.LinearRegression", "stage", {"elasticNetParam": elastic})
    with pytest.raises(Exception, match="ML algorithm was given empty dataset"):
        list(Instances(empty, params, label="number"))


def test_a_generator_gives_the_numbers_of_java() -> None:
    assert JavaRandom(42).next_double() == 0.7275636800328681
    assert JavaRandom(42).next_gaussian() == pytest.approx(1.1419053154730547, rel=1e-14)
    assert seed_of("abc") == 96354
