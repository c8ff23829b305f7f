"""What models of trees share: Spark's attributes of a tree and of an ensemble, leaf columns, saved rows."""

import importlib
import time
import uuid
from abc import abstractmethod
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pyarrow as pa
from pyspark.ml.linalg import Vector, Vectors, VectorUDT
from pyspark.sql.types import DoubleType, StructField, StructType
from pyspark.version import __version__ as spark_version

from cauce.errors import SparkError
from cauce.ml.attributes import AttributeGroup, nominal, numeric
from cauce.ml.columns import appended, require, with_fields
from cauce.ml.params import Params
from cauce.ml.predictions import PredictionModel
from cauce.ml.stage import attribute
from cauce.ml.trees.saved import ensemble_rows, node_rows
from cauce.ml.trees.tree import Tree, importances
from cauce.ml.vectors import dense_column

if TYPE_CHECKING:
    from cauce.ml.trees.walker import Walker

__all__ = ["EnsembleModel", "TreeModel", "TreesModel", "member_params", "tree_uids"]


class TreesModel(PredictionModel):
    """A model of one or more trees."""

    heading: str
    """The model's class as Spark prints it, with what comes between `uid` and its value."""

    def __init__(self, params: Params, trees: Sequence[Tree], feature_count: int) -> None:
        super().__init__(params)
        self.trees_grown = list(trees)
        self.feature_count = feature_count

    @cached_property
    def walker(self) -> "Walker":
        from cauce.ml.trees.walker import Walker  # loads numba, which takes a second

        return Walker(self.trees_grown)

    @attribute
    def numFeatures(self) -> int:
        return self.feature_count

    @attribute
    @abstractmethod
    def toDebugString(self) -> str:
        """The model and its trees as text."""

    @abstractmethod
    def leaf_field(self, name: str) -> StructField:
        """The column of leaf numbers."""

    @abstractmethod
    def leaf_column(self, numbers: np.ndarray) -> pa.Array:
        """(rows, trees) as that column."""

    def output_schema(self, schema: StructType) -> StructType:
        found = self.described(super().output_schema(schema))
        name = self.params["leafCol"]
        if not name:
            return found
        require(name not in found.names, f"Column {name} already exists.")
        return with_fields(found, self.leaf_field(name))

    def described(self, schema: StructType) -> StructType:
        """Spark marks predicted numbers of trees and forests as a column of which nothing is known."""
        name = self.params["predictionCol"]
        if not name or schema[name].metadata:
            return schema
        return with_fields(schema, StructField(name, DoubleType(), False, numeric().metadata()))

    def transform(self, batch: pa.RecordBatch, schema: StructType) -> pa.RecordBatch:
        found = super().transform(batch, schema)
        name = self.params["leafCol"]
        if not name:
            return found
        numbers = self.walker.leaf_numbers(self.features(batch, schema))
        return appended(found, {name: self.leaf_column(numbers)})


class TreeModel(TreesModel):
    """A model of one tree."""

    @property
    def tree(self) -> Tree:
        return self.trees_grown[0]

    @attribute
    def depth(self) -> int:
        return self.tree.depth

    @attribute
    def numNodes(self) -> int:
        return self.tree.node_count

    @attribute
    def featureImportances(self) -> Vector:
        return _sparse(importances([self.tree], self.feature_count, normalize_each=True))

    @attribute
    def predictLeaf(self, value: Vector) -> float:
        return float(self.walker.leaf_numbers(_one_row(value))[0, 0])

    @attribute
    def toDebugString(self) -> str:
        return "\n".join([str(self), *self.tree.lines(2), ""])

    def __str__(self) -> str:
        counts = f"depth={self.tree.depth}, numNodes={self.tree.node_count}, "
        return f"{self.heading}{self.params.uid}, {counts}{_counts(self)}"

    def leaf_field(self, name: str) -> StructField:
        metadata = nominal(num_vals=self.tree.leaf_count).metadata()
        return StructField(name, DoubleType(), False, metadata)

    def leaf_column(self, numbers: np.ndarray) -> pa.Array:
        return pa.array(numbers[:, 0])

    def data(self) -> pa.Table:
        return node_rows(self.tree)

    def extra_metadata(self) -> dict[str, Any]:
        return _sizes(self)


class EnsembleModel(TreesModel):
    """A model of weighted trees."""

    normalize_each = True
    """Whether every tree weighs the same in featureImportances."""

    def __init__(
        self,
        params: Params,
        trees: Sequence[Tree],
        weights: Sequence[float],
        feature_count: int,
        uids: Sequence[str],
    ) -> None:
        """`uids`: of the trees' own models."""
        super().__init__(params, trees, feature_count)
        self.tree_weights = list(weights)
        self.uids = list(uids)

    @abstractmethod
    def member(self, tree: Tree, uid: str) -> TreeModel:
        """One tree as a model of its own."""

    @attribute
    def trees(self) -> list[TreeModel]:
        return [self.member(tree, uid) for tree, uid in zip(self.trees_grown, self.uids, strict=True)]

    @attribute
    def treeWeights(self) -> list[float]:
        return self.tree_weights

    @attribute
    def getNumTrees(self) -> int:
        return len(self.trees_grown)

    @attribute
    def totalNumNodes(self) -> int:
        return sum(tree.node_count for tree in self.trees_grown)

    @attribute
    def featureImportances(self) -> Vector:
        return _sparse(importances(self.trees_grown, self.feature_count, normalize_each=self.normalize_each))

    @attribute
    def predictLeaf(self, value: Vector) -> Vector:
        return Vectors.dense(self.walker.leaf_numbers(_one_row(value))[0])

    @attribute
    def toDebugString(self) -> str:
        lines = [str(self)]
        for number, (tree, weight) in enumerate(zip(self.trees_grown, self.tree_weights, strict=True)):
            lines += [f"  Tree {number} (weight {weight}):", *tree.lines(4)]
        return "\n".join([*lines, ""])

    def __str__(self) -> str:
        return f"{self.heading}{self.params.uid}, numTrees={len(self.trees_grown)}, {_counts(self)}"

    def leaf_field(self, name: str) -> StructField:
        group = AttributeGroup.all([nominal(num_vals=tree.leaf_count) for tree in self.trees_grown])
        return StructField(name, VectorUDT(), True, group.metadata())

    def leaf_column(self, numbers: np.ndarray) -> pa.Array:
        return dense_column(numbers)

    def data(self) -> pa.Table:
        return self.tables()["data"]

    def tables(self) -> dict[str, pa.Table]:
        metadata = [_metadata(member) for member in self.trees()]
        return ensemble_rows(self.trees_grown, metadata, self.tree_weights)

    @classmethod
    def from_data(cls, params: Params, metadata: dict[str, Any], data: pa.Table) -> Self:
        raise SparkError(None, "The list of an ensemble's trees is saved in a folder of its own.")

    def extra_metadata(self) -> dict[str, Any]:
        return {**_sizes(self), "numTrees": len(self.trees_grown)}

    @property
    def size_bytes(self) -> int:
        return sum(tree.stats.nbytes + 72 * tree.node_count for tree in self.trees_grown)


def member_params(params: Params, class_name: str, uid: str) -> Params:
    """The parameters of an ensemble that one of its trees has too; class_name: the tree's estimator."""
    module, _, name = class_name.replace("org.apache.spark", "pyspark", 1).rpartition(".")
    known = getattr(importlib.import_module(module), name)
    return Params(
        class_name, uid, {key: value for key, value in params.values.items() if hasattr(known, key)}
    )


def _metadata(member: TreeModel) -> dict[str, Any]:
    """What Spark writes of one tree into the list of an ensemble's trees."""
    return {
        "class": member.class_name,
        "timestamp": int(time.time() * 1000),
        "sparkVersion": spark_version,
        "uid": member.params.uid,
        "paramMap": member.params.values,
        "defaultParamMap": dict(member.params.defaults),
    }


def _sizes(model: TreesModel) -> dict[str, Any]:
    classes = getattr(model, "class_count", None)
    return {"numFeatures": model.feature_count, **({} if classes is None else {"numClasses": classes})}


def _counts(model: TreesModel) -> str:
    """`numClasses=2, numFeatures=3`; a regression has no classes."""
    classes = getattr(model, "class_count", None)
    return f"{'' if classes is None else f'numClasses={classes}, '}numFeatures={model.feature_count}"


def _sparse(values: np.ndarray) -> Vector:
    places = np.flatnonzero(values)
    return Vectors.sparse(len(values), places.tolist(), values[places].tolist())


def _one_row(value: Vector) -> np.ndarray:
    return np.asarray(value.toArray(), dtype=np.float64).reshape(1, -1)


def tree_uids(prefix: str, count: int) -> list[str]:
    """Uids as Spark's Identifiable.randomUID makes them: dtc_5221281dd5a6."""
    return [f"{prefix}_{uuid.uuid4().hex[-12:]}" for _ in range(count)]
