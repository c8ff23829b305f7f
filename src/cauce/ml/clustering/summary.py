"""The summary of a clustering: the rows it was fitted to, by cluster; they are read when asked for."""

from functools import cached_property

import numpy as np
import pyarrow as pa

from cauce.ml.stage import Dataset, Model, attribute

__all__ = ["ClusteringSummary", "CostSummary"]


class ClusteringSummary:
    """How the rows fell into k clusters."""

    def __init__(self, model: Model, dataset: Dataset, *, k: int, iterations: int) -> None:
        self.model = model
        self.dataset = dataset
        self.cluster_count = k
        self.iterations = iterations

    @attribute
    def predictions(self) -> pa.Table:
        """The rows with the model's columns."""
        schema = self.dataset.schema
        return pa.Table.from_batches(
            [self.model.transform(batch, schema) for batch in self.dataset.batches(schema.names)]
        )

    @attribute
    def predictionCol(self) -> str:
        return self.model.params["predictionCol"]

    @attribute
    def featuresCol(self) -> str:
        return self.model.params["featuresCol"]

    @attribute
    def k(self) -> int:
        return self.cluster_count

    @attribute
    def numIter(self) -> int:
        return self.iterations

    @attribute
    def cluster(self) -> pa.Table:
        """The column of clusters alone."""
        return self.predictions().select([self.predictionCol()])

    @cached_property
    def _sizes(self) -> list[int]:
        return np.bincount(self.cluster().column(0).to_numpy(), minlength=self.cluster_count).tolist()

    @attribute
    def clusterSizes(self) -> list[int]:
        return self._sizes


class CostSummary(ClusteringSummary):
    """Of a clustering that has a cost."""

    def __init__(self, model: Model, dataset: Dataset, *, k: int, iterations: int, cost: float) -> None:
        super().__init__(model, dataset, k=k, iterations=iterations)
        self.cost = cost

    @attribute
    def trainingCost(self) -> float:
        return self.cost
