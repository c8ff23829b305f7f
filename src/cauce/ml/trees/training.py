"""What trees are grown from: the checked rows of a dataset in bins, and the parameters that limit them."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql.types import StructField, StructType

from cauce.errors import IllegalArgumentException
from cauce.ml.attributes import Attribute, AttributeGroup
from cauce.ml.columns import require
from cauce.ml.instances import Features, Instances
from cauce.ml.params import Params
from cauce.ml.stage import Dataset
from cauce.ml.trees.binning import Binning, find_binning
from cauce.ml.trees.forest import Draws, features_per_node
from cauce.ml.trees.growing import Growing
from cauce.ml.trees.histograms import Rows
from cauce.ml.trees.splitting import ENTROPY, GINI, VARIANCE

__all__ = ["THREADS", "Training", "Where", "class_count", "draws_of", "growing_of", "read_training"]

THREADS = 2
"""Threads that grow trees; the histograms of a tree are split between two by feature."""
IMPURITIES = {"gini": GINI, "entropy": ENTROPY, "variance": VARIANCE}


@dataclass(frozen=True)
class Training:
    """The rows of a dataset."""

    blocks: list[Features]
    labels: np.ndarray
    weights: np.ndarray
    arities: dict[int, int]

    @property
    def feature_count(self) -> int:
        return self.blocks[0].shape[1]

    def binning(self, params: Params, class_count: int) -> Binning:
        """How the features are cut."""
        if not self.feature_count:
            raise IllegalArgumentException(
                None,
                "requirement failed: DecisionTree requires number of features > 0, but was given an empty "
                "features vector",
            )
        return find_binning(
            self.blocks,
            self.weights,
            arities=self.arities,
            class_count=class_count,
            bins_max=params["maxBins"],
            seed=params["seed"],
        )

    def rows(self, binning: Binning, threads: ThreadPoolExecutor, *, labels: np.ndarray) -> Rows:
        """The rows in bins, each drawn once."""
        counts = np.ones(len(labels), dtype=np.int32)
        return Rows(binning.bins(self.blocks, threads), labels, self.weights, counts)


def read_training(dataset: Dataset, params: Params, *, label: str) -> Training:
    """All rows, checked; `label` is "class" or "number"."""
    instances = Instances(dataset, params, label=label)
    if label == "number":
        instances.when_empty = IllegalArgumentException(
            None, "DecisionTree requires size of input RDD > 0, but was given by empty one."
        )
    blocks = list(instances)
    return Training(
        blocks=[block.features for block in blocks],
        labels=np.concatenate([block.labels for block in blocks]),
        weights=np.concatenate([block.weights for block in blocks]),
        arities=_arities(dataset.schema[params["featuresCol"]]),
    )


def class_count(training: Training, label: StructField) -> int:
    """The classes that the label's metadata promises, or as many as the largest label tells."""
    promised, found = Attribute.of(label).category_count, int(training.labels.max()) + 1
    require(
        promised is None or promised >= found,
        f"Classifier found max label value = {found - 1} but requires integers in range [0, ... {promised})",
    )
    return found if promised is None else promised


def growing_of(params: Params, training: Training, *, class_count: int, impurity: str) -> Growing:
    """The limits of a tree; class_count 0: regression."""
    return Growing(
        impurity=IMPURITIES[impurity.lower()],
        class_count=class_count,
        depth_max=params["maxDepth"],
        rows_min=params["minInstancesPerNode"],
        weight_min=params["minWeightFractionPerNode"] * float(training.weights.sum()),
        gain_min=params["minInfoGain"],
        memory_bytes_max=params["maxMemoryInMB"] << 20,
    )


def draws_of(params: Params, training: Training, *, tree_count: int, is_classifier: bool) -> Draws:
    """What the trees of a forest see of the rows."""
    return Draws(
        seed=params["seed"],
        rate=params["subsamplingRate"],
        is_bootstrap=bool(params.get("bootstrap", False)),
        features_per_node=features_per_node(
            params["featureSubsetStrategy"],
            training.feature_count,
            tree_count=tree_count,
            is_classifier=is_classifier,
        ),
    )


@dataclass(frozen=True)
class Where:
    """The rows of a dataset whose boolean column has a value; null is neither."""

    dataset: Dataset
    column: str
    value: bool

    @property
    def schema(self) -> StructType:
        return self.dataset.schema

    def batches(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """As Dataset.batches."""
        for batch in self.dataset.batches([*columns, self.column]):
            chosen = batch.column(len(columns)).cast(pa.bool_())
            mask = chosen if self.value else pc.invert(chosen)
            yield batch.select(range(len(columns))).filter(mask)

    def table(self, columns: Sequence[str]) -> pa.Table:
        """As Dataset.table."""
        return pa.Table.from_batches(list(self.batches(columns)))


def _arities(features: StructField) -> dict[int, int]:
    """The number of categories of the features that the metadata says are categories."""
    found: dict[int, int] = {}
    for index, attribute in enumerate(AttributeGroup.of(features).attributes or ()):
        if not attribute.is_nominal:
            continue
        if attribute.category_count is None:
            raise IllegalArgumentException(
                None,
                f"Feature {index} is marked as Nominal (categorical), but it does not have the number of "
                "values specified.",
            )
        found[index] = attribute.category_count
    return found
