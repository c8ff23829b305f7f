"""KMeans: rows in k groups around centres.

https://github.com/apache/spark/blob/v4.2.0/mllib/src/main/scala/org/apache/spark/ml/clustering/KMeans.scala
Both solvers ("row" and "block") mean the same here; the draws of the seed are not Spark's.
"""

from typing import Any, Self

import numpy as np
import pyarrow as pa
from pyspark.sql.types import IntegerType, StructField, StructType

from cauce.errors import SparkError
from cauce.ml.clustering.centers import CentersModel, check_columns, read_points
from cauce.ml.clustering.lloyd import COSINE, closest, cluster, unit_rows
from cauce.ml.clustering.summary import CostSummary
from cauce.ml.columns import with_fields
from cauce.ml.instances import Features
from cauce.ml.params import Params
from cauce.ml.stage import Dataset, Estimator
from cauce.ml.vectors import as_dense, dense_column

__all__ = ["KMeans", "KMeansModel"]


class KMeansModel(CentersModel):
    """k centres."""

    class_name = "org.apache.spark.ml.clustering.KMeansModel"

    def __init__(self, params: Params, centers: np.ndarray) -> None:
        super().__init__(params)
        self.centers = centers

    def nearest(self, features: Features) -> np.ndarray:
        rows = unit_rows(features) if self.measure == COSINE else features
        return closest(rows, self.centers, self.measure)[0]

    def data(self) -> pa.Table:
        numbers = pa.array(range(len(self.centers)), pa.int32())
        fields = [pa.field("clusterIdx", pa.int32(), nullable=False)]
        vectors = dense_column(self.centers)
        fields.append(pa.field("clusterCenter", vectors.type))
        return pa.Table.from_arrays([numbers, vectors], schema=pa.schema(fields))

    @classmethod
    def from_data(cls, params: Params, metadata: dict[str, Any], data: pa.Table) -> Self:
        ordered = data.sort_by("clusterIdx").column("clusterCenter").combine_chunks()
        vectors = ordered.combine_chunks() if isinstance(ordered, pa.ChunkedArray) else ordered
        return cls(params, as_dense(vectors))

    def __str__(self) -> str:
        k, features = self.centers.shape
        counts = f"k={k}, distanceMeasure={self.measure}, numFeatures={features}"
        return f"KMeansModel: uid={self.params.uid}, {counts}"


class KMeans(Estimator):
    """Lloyd's iterations from k-means|| or random rows."""

    def output_schema(self, schema: StructType) -> StructType:
        name = self.params["predictionCol"]
        check_columns(self.params, schema, name)
        return with_fields(schema, StructField(name, IntegerType(), False))

    def fit(self, dataset: Dataset) -> KMeansModel:
        params = self.params
        points = read_points(dataset, params)
        if not points.count:
            raise SparkError(None, "empty collection")
        found = cluster(
            points,
            params["k"],
            init_mode=params["initMode"],
            init_steps=params["initSteps"],
            iterations=params["maxIter"],
            tol=params["tol"],
            seed=params["seed"],
        )
        model = KMeansModel(params, found.centers)
        model.summary = CostSummary(
            model, dataset, k=params["k"], iterations=found.iterations, cost=found.cost
        )
        return model
