"""MultilayerPerceptronClassifier: sigmoid layers under a softmax, begun and searched as Spark does.

https://github.com/apache/spark/blob/v4.2.0/mllib/src/main/scala/org/apache/spark/ml/ann/Layer.scala
"""

from collections.abc import Iterable
from itertools import pairwise
from typing import Any, Self

import numpy as np
import pyarrow as pa
from pyspark.ml.linalg import Vector, Vectors
from scipy.special import expit, log_softmax, softmax

from cauce.ml.classification.logistic_summary import with_columns
from cauce.ml.gradient_descent import PlainStep, descend
from cauce.ml.instances import Block, Features, Instances
from cauce.ml.params import Params
from cauce.ml.predictions import Predictor, ProbabilisticModel
from cauce.ml.quasi_newton import minimize
from cauce.ml.saved_rows import one_row, row_of
from cauce.ml.spark_random import XORShiftRandom, seed_of
from cauce.ml.stage import Dataset, attribute
from cauce.ml.summary import ClassificationSummary
from cauce.ml.valid_values import LIMITS, above, one_of

__all__ = ["MultilayerPerceptronClassificationModel", "MultilayerPerceptronClassifier"]

Layers = list[tuple[np.ndarray, np.ndarray]]
"""The (outputs, inputs) weights and (outputs,) biases of every layer."""


def _are_layers(sizes: list[int]) -> bool:
    return len(sizes) > 1 and all(size > 0 for size in sizes)


class MultilayerPerceptronClassificationModel(ProbabilisticModel):
    """All weights in one vector: of every layer column by column, then its biases."""

    class_name = "org.apache.spark.ml.classification.MultilayerPerceptronClassificationModel"

    def __init__(self, params: Params, weights: Vector) -> None:
        super().__init__(params)
        self.vector = weights
        self.layers = _unrolled(params["layers"], np.asarray(weights.toArray()))

    @attribute
    def numFeatures(self) -> int:
        return self.params["layers"][0]

    @attribute
    def numClasses(self) -> int:
        return self.params["layers"][-1]

    @attribute
    def weights(self) -> Vector:
        return self.vector

    @attribute
    def evaluate(self, dataset: Dataset) -> ClassificationSummary:
        """A summary of other rows."""
        return ClassificationSummary(with_columns(self, "predictionCol"), dataset)

    def raw(self, features: Features) -> np.ndarray:
        return _outputs(self.layers, features)[-1]

    def probabilities(self, raw: np.ndarray) -> np.ndarray:
        return softmax(raw, axis=1)

    def data(self) -> pa.Table:
        return one_row({"weights": self.vector})

    @classmethod
    def from_data(cls, params: Params, metadata: dict[str, Any], data: pa.Table) -> Self:
        return cls(params, row_of(data)["weights"])


class MultilayerPerceptronClassifier(Predictor):
    """Minimises the cross entropy by L-BFGS, or by gradient descent."""

    valid = {**LIMITS, "solver": one_of("l-bfgs", "gd"), "layers": _are_layers, "blockSize": above(0)}

    outputs = ("predictionCol", "rawPredictionCol", "probabilityCol")

    def fit(self, dataset: Dataset) -> MultilayerPerceptronClassificationModel:
        params = self.params
        blocks = Instances(dataset, params, label="class", weighted=False)
        loss = _Loss(blocks, params["layers"], params["blockSize"])
        if params["solver"] == "gd":
            found, history = descend(
                lambda x, _: loss(x),
                PlainStep(),
                self._start(),
                size=params["stepSize"],
                iterations=params["maxIter"],
                tolerance=params["tol"],
            )
        else:
            minimum = minimize(loss, self._start(), params["maxIter"], params["tol"])
            found, history = minimum.x, minimum.history
        model = MultilayerPerceptronClassificationModel(params, Vectors.dense(found))
        model.summary = ClassificationSummary(with_columns(model, "predictionCol"), dataset, history)
        return model

    def _start(self) -> np.ndarray:
        params = self.params
        given = params.get("initialWeights")
        if given is not None:
            return np.array(given.toArray())
        seed = params["seed"] if params.is_set("seed") else seed_of(params.class_name)
        random, found = XORShiftRandom(seed), []
        for inputs, outputs in pairwise(params["layers"]):
            found += [(random.next_double() * 4.8 - 2.4) / inputs for _ in range((inputs + 1) * outputs)]
        return np.array(found)


class _Loss:
    """The average over stacks of rows of their average cross entropy."""

    def __init__(self, blocks: Iterable[Block], sizes: list[int], stack: int) -> None:
        self.blocks = blocks
        self.sizes = sizes
        self.stack = stack
        self.rows = sum(len(block.labels) for block in blocks)

    def __call__(self, x: np.ndarray) -> tuple[float, np.ndarray]:
        layers = _unrolled(self.sizes, x)
        total, gradient, begun = 0.0, np.zeros_like(x), 0
        for block in self.blocks:
            shares = self._shares(begun, len(block.labels))
            value, slopes = _block_loss(layers, block, shares)
            total, gradient, begun = total + value, gradient + slopes, begun + len(block.labels)
        return total, gradient

    def _shares(self, begun: int, count: int) -> np.ndarray:
        """The weight of every row: the last stack may be smaller, and its rows then weigh more."""
        stacks = -(-self.rows // self.stack)
        rows = np.arange(begun, begun + count)
        last = self.rows - (stacks - 1) * self.stack
        return 1.0 / np.where(rows // self.stack == stacks - 1, last, self.stack) / stacks


def _block_loss(layers: Layers, block: Block, shares: np.ndarray) -> tuple[float, np.ndarray]:
    outputs = _outputs(layers, block.features)
    places = np.arange(len(shares)), block.labels.astype(np.int64)
    logs = log_softmax(outputs[-1], axis=1)
    delta = np.exp(logs)
    delta[places] -= 1.0
    delta *= shares[:, np.newaxis]
    parts: list[np.ndarray] = []
    for number in range(len(layers) - 1, -1, -1):
        below = outputs[number - 1] if number else block.features
        parts = [(below.T @ delta).reshape(-1), delta.sum(axis=0), *parts]
        if number:
            delta = (delta @ layers[number][0]) * (1.0 - below) * below
    return -float(shares @ logs[places]), np.concatenate(parts)


def _outputs(layers: Layers, features: Features) -> list[np.ndarray]:
    """Of every layer; the last is left without its softmax."""
    found: list[np.ndarray] = []
    for number, (weights, biases) in enumerate(layers):
        sums = (found[-1] if found else features) @ weights.T + biases
        found.append(expit(sums) if number < len(layers) - 1 else sums)
    return found


def _unrolled(sizes: list[int], x: np.ndarray) -> Layers:
    layers, place = [], 0
    for inputs, outputs in pairwise(sizes):
        weights = x[place : place + inputs * outputs].reshape(inputs, outputs).T
        place += inputs * outputs
        layers.append((weights, x[place : place + outputs]))
        place += outputs
    return layers
