"""IDF: terms weigh the more, the fewer rows have them."""

from typing import Any, Self

import numpy as np
import pyarrow as pa
from pyspark.ml.linalg import DenseVector

from cauce.errors import IllegalStateException
from cauce.ml.feature.vector_model import VectorEstimator, VectorModel, shift_and_scale, vector_batches
from cauce.ml.params import Params
from cauce.ml.stage import Dataset, attribute
from cauce.ml.vectors import as_csr, as_dense, dense_column, shape_of

__all__ = ["IDF", "IDFModel"]


class IDF(VectorEstimator):
    """log((rows + 1) / (rows with the term + 1)), 0 for terms of too few rows."""

    valid = {"minDocFreq": lambda count: count >= 0}

    def fit(self, dataset: Dataset) -> "IDFModel":
        found: np.ndarray | None = None
        count = 0
        for cells in vector_batches(dataset, self.params["inputCol"]):
            matrix = as_csr(cells)
            rows = np.bincount(matrix.indices[matrix.data > 0], minlength=shape_of(matrix)[1])
            found = rows if found is None else found + rows
            count += len(cells)
        if found is None:
            raise IllegalStateException(None, "Haven't seen any document yet.")
        weights = np.where(found >= self.params["minDocFreq"], np.log((count + 1.0) / (found + 1.0)), 0.0)
        kept = np.where(found >= self.params["minDocFreq"], found, 0)
        return IDFModel(self.params, weights, kept, count)


class IDFModel(VectorModel):
    """Weights, and what they come from."""

    class_name = "org.apache.spark.ml.feature.IDFModel"
    saved = ("idf",)

    def __init__(self, params: Params, weights: np.ndarray, rows: np.ndarray, count: int) -> None:
        super().__init__(params, weights)
        self.rows = rows
        self.count = count

    @attribute
    def idf(self) -> DenseVector:
        """The weights."""
        return DenseVector(self.vectors["idf"])

    @attribute
    def docFreq(self) -> list[int]:
        """How many rows have each term."""
        return self.rows.tolist()

    @attribute
    def numDocs(self) -> int:
        """How many rows there were."""
        return self.count

    def change(self, cells: pa.StructArray) -> pa.StructArray:
        return shift_and_scale(cells, None, self.vectors["idf"])

    def data(self) -> pa.Table:
        counts = pa.array([self.rows.tolist()], pa.list_(pa.int64()))
        weights = dense_column(self.vectors["idf"].reshape(1, -1))
        return pa.table({"idf": weights, "docFreq": counts, "numDocs": pa.array([self.count], pa.int64())})

    @classmethod
    def from_data(cls, params: Params, metadata: dict[str, Any], data: pa.Table) -> Self:
        weights = as_dense(data["idf"].combine_chunks())[0]
        row = data.select([name for name in data.column_names if name != "idf"]).to_pylist()[0]
        # Spark before 3.0 saved nothing but the weights.
        return cls(
            params, weights, np.array(row.get("docFreq", np.zeros(len(weights)))), row.get("numDocs", 0)
        )
