"""BisectingKMeans: k clusters by splitting clusters in two.

https://github.com/apache/spark/blob/v4.2.0/mllib/src/main/scala/org/apache/spark/ml/clustering/BisectingKMeans.scala
"""

from typing import Any, Self

import numpy as np
import pyarrow as pa
from pyspark.sql.types import IntegerType, StructField, StructType

from cauce.errors import SparkError
from cauce.ml.clustering.bisecting_tree import ClusterNode, leaf_costs, split_tree
from cauce.ml.clustering.centers import CentersModel, check_columns, read_points
from cauce.ml.clustering.lloyd import COSINE, unit_rows
from cauce.ml.clustering.summary import CostSummary
from cauce.ml.columns import with_fields
from cauce.ml.instances import Features
from cauce.ml.params import Params
from cauce.ml.saved_rows import load_cell
from cauce.ml.stage import Dataset, Estimator, attribute
from cauce.ml.vectors import dense_column

__all__ = ["BisectingKMeans", "BisectingKMeansModel"]


class BisectingKMeansModel(CentersModel):
    """A tree of clusters, whose leaves are what rows belong to."""

    class_name = "org.apache.spark.ml.clustering.BisectingKMeansModel"

    def __init__(self, params: Params, root: ClusterNode) -> None:
        super().__init__(params)
        self.root = root
        self.centers = np.stack([leaf.center for leaf in root.leaves()])

    @attribute
    def computeCost(self, dataset: Dataset) -> float:
        """The cost of other rows."""
        points = read_points(dataset, self.params)
        return leaf_costs(self.root, points.blocks, points.weights, self.measure)

    def nearest(self, features: Features) -> np.ndarray:
        return self.root.descend(unit_rows(features) if self.measure == COSINE else features, self.measure)

    def data(self) -> pa.Table:
        nodes = _listed(self.root)
        numbers = {id(node): number for number, node in enumerate(nodes)}
        centers = np.stack([node.center for node in nodes])
        return pa.table(
            {
                "index": pa.array(range(len(nodes)), pa.int32()),
                "size": pa.array([node.size for node in nodes], pa.int64()),
                "center": dense_column(centers),
                "norm": pa.array(np.linalg.norm(centers, axis=1)),
                "cost": pa.array([node.cost for node in nodes], pa.float64()),
                "height": pa.array([node.height for node in nodes], pa.float64()),
                "children": pa.array(
                    [[numbers[id(child)] for child in node.children] for node in nodes], pa.list_(pa.int32())
                ),
            }
        )

    @classmethod
    def from_data(cls, params: Params, metadata: dict[str, Any], data: pa.Table) -> Self:
        rows = {row["index"]: row for row in data.to_pylist()}
        nodes = {
            index: ClusterNode(load_cell(row["center"]).toArray(), row["size"], row["cost"], row["height"])
            for index, row in rows.items()
        }
        for index, row in rows.items():
            nodes[index].children = [nodes[child] for child in row["children"]]
        is_child = {child for row in rows.values() for child in row["children"]}
        root = nodes[next(index for index in rows if index not in is_child)]
        for number, leaf in enumerate(root.leaves()):
            leaf.index = number
        return cls(params, root)

    def __str__(self) -> str:
        k, features = self.centers.shape
        counts = f"k={k}, distanceMeasure={self.measure}, numFeatures={features}"
        return f"BisectingKMeansModel: uid={self.params.uid}, {counts}"


class BisectingKMeans(Estimator):
    """Splits the largest clusters until there are k."""

    def output_schema(self, schema: StructType) -> StructType:
        name = self.params["predictionCol"]
        check_columns(self.params, schema, name)
        return with_fields(schema, StructField(name, IntegerType(), False))

    def fit(self, dataset: Dataset) -> BisectingKMeansModel:
        params = self.params
        points = read_points(dataset, params)
        if not points.count:
            raise SparkError(None, "empty collection")
        root = split_tree(
            points,
            params["k"],
            iterations=params["maxIter"],
            size_min=params["minDivisibleClusterSize"],
            seed=params["seed"],
        )
        model = BisectingKMeansModel(params, root)
        cost = sum(leaf.cost for leaf in root.leaves())
        model.summary = CostSummary(
            model, dataset, k=len(model.centers), iterations=params["maxIter"], cost=cost
        )
        return model


def _listed(root: ClusterNode) -> list[ClusterNode]:
    """Parents before their children, left to right."""
    return [root, *(node for child in root.children for node in _listed(child))]
