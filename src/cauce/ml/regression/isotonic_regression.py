"""IsotonicRegression: the nearest rising (or falling) steps, by pooling adjacent violators.

https://github.com/apache/spark/blob/v4.2.0/mllib/src/main/scala/org/apache/spark/mllib/regression/IsotonicRegression.scala
"""

from typing import Any, Self

import numpy as np
import pyarrow as pa
from pyspark.ml.linalg import Vector, Vectors, VectorUDT
from pyspark.sql.types import DoubleType, StructField, StructType

from cauce.ml.columns import appended, check_numeric, column, doubles, field_of, require, with_fields
from cauce.ml.instances import checked_labels, checked_weights, features_of
from cauce.ml.params import Params
from cauce.ml.saved_rows import one_row, row_of
from cauce.ml.stage import Dataset, Estimator, Model, attribute

__all__ = ["IsotonicRegression", "IsotonicRegressionModel"]


class IsotonicRegressionModel(Model):
    """Predictions at boundaries, and lines between them."""

    class_name = "org.apache.spark.ml.regression.IsotonicRegressionModel"

    def __init__(self, params: Params, boundaries: np.ndarray, predictions: np.ndarray) -> None:
        super().__init__(params)
        self.places = boundaries
        self.values = predictions

    @attribute
    def boundaries(self) -> Vector:
        return Vectors.dense(self.places)

    @attribute
    def predictions(self) -> Vector:
        return Vectors.dense(self.values)

    @attribute
    def numFeatures(self) -> int:
        return 1

    @attribute
    def predict(self, value: float) -> float:
        """Of one feature."""
        return float(np.interp(value, self.places, self.values))

    def output_schema(self, schema: StructType) -> StructType:
        return _output_schema(self.params, schema, fitting=False)

    def transform(self, batch: pa.RecordBatch, schema: StructType) -> pa.RecordBatch:
        features = _feature(column(batch, schema, self.params["featuresCol"]), self.params)
        found = np.interp(features, self.places, self.values)
        return appended(batch, {self.params["predictionCol"]: pa.array(found)})

    def data(self) -> pa.Table:
        cells = {"boundaries": self.places.tolist(), "predictions": self.values.tolist()}
        return one_row({**cells, "isotonic": self.params["isotonic"]})

    @classmethod
    def from_data(cls, params: Params, metadata: dict[str, Any], data: pa.Table) -> Self:
        row = row_of(data)
        return cls(params, np.array(row["boundaries"]), np.array(row["predictions"]))


class IsotonicRegression(Estimator):
    """Of one feature: a number, or an element of a vector."""

    def output_schema(self, schema: StructType) -> StructType:
        return _output_schema(self.params, schema, fitting=True)

    def fit(self, dataset: Dataset) -> IsotonicRegressionModel:
        params = self.params
        weight = params.get("weightCol")
        names = [params["labelCol"], params["featuresCol"], *([weight] if weight else [])]
        table = dataset.table(names).combine_chunks()
        columns = [part.combine_chunks() for part in table.columns]
        labels, features = checked_labels(columns[0]), _feature(columns[1], params)
        weights = checked_weights(columns[2]) if weight else np.ones(len(labels))
        sign = 1.0 if params["isotonic"] else -1.0
        places, values = _pooled(features[weights > 0], sign * labels[weights > 0], weights[weights > 0])
        return IsotonicRegressionModel(params, places, sign * values)


def _feature(values: pa.Array, params: Params) -> np.ndarray:
    if not pa.types.is_struct(values.type):
        return doubles(values)
    found = features_of(values)[:, [params["featureIndex"]]]
    return np.asarray(found if isinstance(found, np.ndarray) else found.todense()).reshape(-1)


def _output_schema(params: Params, schema: StructType, *, fitting: bool) -> StructType:
    if fitting:
        check_numeric(schema, params["labelCol"])
        if params.get("weightCol"):
            check_numeric(schema, params["weightCol"])
    kind = field_of(schema, params["featuresCol"]).dataType
    require(
        isinstance(kind, DoubleType | VectorUDT),
        f"Column {params['featuresCol']} must be of type double or vector but was actually of type "
        f"{kind.simpleString()}.",
    )
    name = params["predictionCol"]
    require(name not in schema.names, f"Column {name} already exists.")
    return with_fields(schema, StructField(name, DoubleType(), False))


def _pooled(features: np.ndarray, labels: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both ends of every block of rows whose average is above that of the block before it."""
    places, rows = np.unique(features, return_inverse=True)
    totals = np.bincount(rows, weights, len(places))
    averages = np.bincount(rows, weights * labels, len(places)) / totals
    blocks: list[tuple[float, float, int, int]] = []
    # Pooling depends on what was pooled before: one place after the other.
    for place, (average, weight) in enumerate(zip(averages.tolist(), totals.tolist(), strict=True)):
        first = place
        while blocks and blocks[-1][0] >= average:
            before, before_weight, first, _ = blocks.pop()
            average = (before * before_weight + average * weight) / (before_weight + weight)
            weight += before_weight
        blocks.append((average, weight, first, place))
    ends = [(places[end], block[0]) for block in blocks for end in sorted({block[2], block[3]})]
    return np.array([place for place, _ in ends]), np.array([value for _, value in ends])
