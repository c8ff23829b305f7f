"""Ensembles of regression trees: their members, and how they are loaded."""

from typing import Any, Self

import pyarrow as pa

from cauce.ml.params import Params
from cauce.ml.regression.decision_tree import DecisionTreeRegressionModel
from cauce.ml.trees.models import EnsembleModel, member_params
from cauce.ml.trees.saved import ensemble_trees
from cauce.ml.trees.tree import Tree

__all__ = ["RegressionEnsembleModel"]

TREE = "org.apache.spark.ml.regression.DecisionTreeRegressor"


class RegressionEnsembleModel(EnsembleModel):
    """A weighted sum of regression trees."""

    def member(self, tree: Tree, uid: str) -> DecisionTreeRegressionModel:
        params = member_params(self.params, TREE, uid)
        return DecisionTreeRegressionModel(params, tree, feature_count=self.feature_count)

    @classmethod
    def from_tables(cls, params: Params, metadata: dict[str, Any], tables: dict[str, pa.Table]) -> Self:
        trees, uids, weights = ensemble_trees(tables, is_regression=True)
        return cls(params, trees, weights, metadata["numFeatures"], uids)
