"""PCA: vectors by their strongest directions."""

from typing import Any, Self

import numpy as np
import pyarrow as pa
from pyspark.ml.linalg import DenseMatrix, DenseVector
from pyspark.sql.types import StructType

from cauce.ml.columns import appended, require, sized, vectors_of
from cauce.ml.feature.vector_model import VectorEstimator, output_field
from cauce.ml.params import Params
from cauce.ml.stage import Dataset, Model, attribute
from cauce.ml.statistics.covariance import Covariance, covariance_of
from cauce.ml.vectors import as_dense, dense_column, matrix_column, matrix_of

__all__ = ["PCA", "PCAModel"]


class PCA(VectorEstimator):
    """Singular vectors of the covariance, gathered in one pass."""

    valid = {"k": lambda k: k > 0}

    def fit(self, dataset: Dataset) -> "PCAModel":
        found: Covariance = covariance_of(dataset, self.params["inputCol"])
        size, k = len(found.sums), self.params["k"]
        require(k <= size, f"source vector size {size} must be no less than k={k}")
        directions, strengths, _ = np.linalg.svd(found.matrix)
        return PCAModel(self.params, directions[:, :k], (strengths / strengths.sum())[:k])


class PCAModel(Model):
    """Directions as columns, and their shares of the variance."""

    class_name = "org.apache.spark.ml.feature.PCAModel"

    def __init__(self, params: Params, directions: np.ndarray, shares: np.ndarray) -> None:
        super().__init__(params)
        self.directions = directions
        self.shares = shares

    @attribute
    def pc(self) -> DenseMatrix:
        """The directions."""
        rows, columns = self.directions.shape
        return DenseMatrix(rows, columns, self.directions.ravel(order="F"))

    @attribute
    def explainedVariance(self) -> DenseVector:
        """The share of the variance of each direction."""
        return DenseVector(self.shares)

    def output_schema(self, schema: StructType) -> StructType:
        return StructType([*schema.fields, sized(output_field(self.params, schema), len(self.shares))])

    def transform(self, batch: pa.RecordBatch, schema: StructType) -> pa.RecordBatch:
        cells = vectors_of(batch, schema, self.params["inputCol"], "PCAModel")
        projected = dense_column(as_dense(cells) @ self.directions) if len(cells) else cells
        return appended(batch, {self.params["outputCol"]: projected})

    def data(self) -> pa.Table:
        shares = dense_column(self.shares.reshape(1, -1))
        return pa.table({"pc": matrix_column(self.directions), "explainedVariance": shares})

    @classmethod
    def from_data(cls, params: Params, metadata: dict[str, Any], data: pa.Table) -> Self:
        return cls(
            params, matrix_of(data["pc"][0].as_py()), as_dense(data["explainedVariance"].combine_chunks())[0]
        )
