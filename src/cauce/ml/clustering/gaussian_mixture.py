"""GaussianMixture: k normal distributions that the rows come from.

https://github.com/apache/spark/blob/v4.2.0/mllib/src/main/scala/org/apache/spark/ml/clustering/GaussianMixture.scala
"""

from typing import Any, Self

import numpy as np
import pyarrow as pa
from pyspark.ml.linalg import Vector, Vectors, VectorUDT
from pyspark.sql.types import IntegerType, StructField, StructType

from cauce.errors import SparkError
from cauce.ml.clustering.centers import check_columns, features_in, read_points
from cauce.ml.clustering.lloyd import Points
from cauce.ml.clustering.mixture import Mixture, densities, fit_mixture
from cauce.ml.clustering.summary import ClusteringSummary
from cauce.ml.columns import appended, column, with_fields
from cauce.ml.instances import Features
from cauce.ml.params import Params
from cauce.ml.pieces import dense_pieces
from cauce.ml.saved_rows import load_cell
from cauce.ml.stage import Dataset, Estimator, Model, attribute
from cauce.ml.vectors import MATRIX, dense_column

__all__ = ["GaussianMixture", "GaussianMixtureModel"]


class GaussianMixtureModel(Model):
    """The probability of a row in each distribution; the likeliest is the prediction."""

    class_name = "org.apache.spark.ml.clustering.GaussianMixtureModel"

    def __init__(self, params: Params, mixture: Mixture) -> None:
        super().__init__(params)
        self.mixture = mixture

    @attribute
    def numFeatures(self) -> int:
        return self.mixture.means.shape[1]

    @attribute
    def weights(self) -> list[float]:
        return self.mixture.weights.tolist()

    @attribute
    def gaussiansDF(self) -> pa.Table:
        """mean (a vector) and cov (a matrix) of each distribution."""
        vectors, matrices = dense_column(self.mixture.means), _matrices(self.mixture.covariances)
        return pa.table({"mean": vectors, "cov": matrices})

    @attribute
    def predict(self, value: Vector) -> int:
        return int(self.probabilities(np.asarray(value.toArray()).reshape(1, -1))[0].argmax())

    @attribute
    def predictProbability(self, value: Vector) -> Vector:
        return Vectors.dense(self.probabilities(np.asarray(value.toArray()).reshape(1, -1))[0])

    def probabilities(self, features: Features) -> np.ndarray:
        """(rows, k)"""
        logs = np.concatenate([densities(piece, self.mixture) for piece in dense_pieces(features)])
        shares = np.exp(logs - logs.max(axis=1, keepdims=True))
        return shares / shares.sum(axis=1, keepdims=True)

    def output_schema(self, schema: StructType) -> StructType:
        return _output_schema(self.params, schema, len(self.mixture.weights))

    def transform(self, batch: pa.RecordBatch, schema: StructType) -> pa.RecordBatch:
        k = len(self.mixture.weights)
        found = np.empty((0, k))
        if batch.num_rows:
            found = self.probabilities(features_in(column(batch, schema, self.params["featuresCol"])))
        names = self.params["probabilityCol"], self.params["predictionCol"]
        columns = dense_column(found), pa.array(found.argmax(axis=1), pa.int32())
        return appended(batch, {name: values for name, values in zip(names, columns, strict=True) if name})

    def data(self) -> pa.Table:
        listed = pa.list_(pa.field("element", pa.float64(), nullable=False))
        means, matrices = dense_column(self.mixture.means), _matrices(self.mixture.covariances)
        everything = [0, len(self.mixture.weights)]
        columns = {
            "weights": pa.array([self.weights()], listed),
            "mus": pa.ListArray.from_arrays(pa.array(everything, pa.int32()), means),
            "sigmas": pa.ListArray.from_arrays(pa.array(everything, pa.int32()), matrices),
        }
        return pa.table(columns)

    @classmethod
    def from_data(cls, params: Params, metadata: dict[str, Any], data: pa.Table) -> Self:
        row = data.to_pylist()[0]
        means = np.array([load_cell(mean).toArray() for mean in row["mus"]])
        covariances = np.array([load_cell(sigma).toArray() for sigma in row["sigmas"]])
        return cls(params, Mixture(np.array(row["weights"]), means, covariances))

    def __str__(self) -> str:
        k, features = self.mixture.means.shape
        return f"GaussianMixtureModel: uid={self.params.uid}, k={k}, numFeatures={features}"


class MixtureSummary(ClusteringSummary):
    """Of a mixture."""

    def __init__(
        self, model: GaussianMixtureModel, dataset: Dataset, *, k: int, iterations: int, likelihood: float
    ) -> None:
        super().__init__(model, dataset, k=k, iterations=iterations)
        self.likelihood = likelihood

    @attribute
    def logLikelihood(self) -> float:
        return self.likelihood

    @attribute
    def probabilityCol(self) -> str:
        return self.model.params["probabilityCol"]

    @attribute
    def probability(self) -> pa.Table:
        """The column of probabilities alone."""
        return self.predictions().select([self.probabilityCol()])


class GaussianMixture(Estimator):
    """Expectation maximisation."""

    def output_schema(self, schema: StructType) -> StructType:
        return _output_schema(self.params, schema, self.params["k"])

    def fit(self, dataset: Dataset) -> GaussianMixtureModel:
        params = self.params
        read = read_points(dataset, params)
        if not read.count:
            raise SparkError(None, "empty collection")
        pieces = [np.concatenate(list(dense_pieces(block))) for block in read.blocks]
        points = Points(pieces, read.weights, read.measure)
        mixture, likelihood, iterations = fit_mixture(
            points, params["k"], iterations=params["maxIter"], tol=params["tol"], seed=params["seed"]
        )
        model = GaussianMixtureModel(params, mixture)
        model.summary = MixtureSummary(
            model, dataset, k=params["k"], iterations=iterations, likelihood=likelihood
        )
        return model


def _output_schema(params: Params, schema: StructType, k: int) -> StructType:
    names = params["probabilityCol"], params["predictionCol"]
    check_columns(params, schema, *(name for name in names if name))
    nominal = {"ml_attr": {"type": "nominal", "num_vals": k}}
    fields = [
        StructField(names[0], VectorUDT(), True, {"ml_attr": {"num_attrs": k}}),
        StructField(names[1], IntegerType(), False, nominal),
    ]
    return with_fields(schema, *(field for field in fields if field.name))


def _matrices(values: np.ndarray) -> pa.StructArray:
    """(count, rows, columns) as dense matrices, column by column."""
    count, rows, columns = values.shape
    flat = pa.array(np.ascontiguousarray(values.transpose(0, 2, 1)).reshape(-1))
    offsets = pa.array(np.arange(count + 1, dtype=np.int32) * (rows * columns))
    parts = {
        "type": pa.array(np.ones(count, dtype=np.int8)),
        "numRows": pa.array(np.full(count, rows, dtype=np.int32)),
        "numCols": pa.array(np.full(count, columns, dtype=np.int32)),
        "colPtrs": pa.nulls(count, MATRIX.field("colPtrs").type),
        "rowIndices": pa.nulls(count, MATRIX.field("rowIndices").type),
        "values": pa.ListArray.from_arrays(offsets, flat, type=MATRIX.field("values").type),
        "isTransposed": pa.array([False] * count, pa.bool_()),
    }
    return pa.StructArray.from_arrays(list(parts.values()), fields=list(MATRIX))
