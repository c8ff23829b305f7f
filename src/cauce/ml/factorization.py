"""Factorization machines: a line plus products of pairs of features, for numbers and for two classes.

https://github.com/apache/spark/blob/v4.2.0/mllib/src/main/scala/org/apache/spark/ml/regression/FMRegressor.scala
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from pyspark.ml.linalg import DenseMatrix, Matrix, Vector, Vectors

from cauce.ml.gradient_descent import AdamW, SquaredL2Step, descend
from cauce.ml.instances import Block, Features
from cauce.ml.java_random import JavaRandom
from cauce.ml.params import Params
from cauce.ml.spark_random import seed_of

__all__ = ["Machine", "learned"]


@dataclass(frozen=True)
class Machine:
    """What is learned: an intercept, a weight for every feature, and (features, size) factors."""

    intercept: float
    linear: Vector
    factors: Matrix

    def scores(self, features: Features) -> np.ndarray:
        """(rows,)"""
        return _scores(
            features, self.intercept, np.asarray(self.linear.toArray()), np.asarray(self.factors.toArray())
        )


@dataclass(frozen=True)
class _Layout:
    """Where the parts of a machine are in one array: factors row by row, the line, the intercept."""

    features: int
    size: int
    has_line: bool
    has_intercept: bool

    def parts(self, x: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        cut = self.features * self.size
        linear = x[cut : cut + self.features] if self.has_line else np.zeros(self.features)
        return (
            (float(x[-1]) if self.has_intercept else 0.0),
            linear,
            x[:cut].reshape(self.features, self.size),
        )

    def start(self, seed: int, deviation: float) -> np.ndarray:
        random = JavaRandom(seed)
        factors = [random.next_gaussian() * deviation for _ in range(self.features * self.size)]
        return np.array(factors + [0.0] * (self.features * self.has_line + self.has_intercept))

    def machine(self, x: np.ndarray) -> Machine:
        intercept, linear, factors = self.parts(x)
        line = Vectors.dense(linear) if self.has_line else Vectors.sparse(self.features, [], [])
        return Machine(intercept, line, DenseMatrix(self.features, self.size, factors.reshape(-1), True))


def learned(params: Params, blocks: Iterable[Block], *, is_logistic: bool) -> tuple[Machine, list[float]]:
    """The machine and the history of its loss."""
    features = next(iter(blocks)).features.shape[1]
    layout = _Layout(features, params["factorSize"], params["fitLinear"], params["fitIntercept"])
    seed = params["seed"] if params.is_set("seed") else seed_of(params.class_name)
    step = (AdamW if params["solver"] == "adamW" else SquaredL2Step)(params["regParam"])

    def loss(x: np.ndarray, iteration: int) -> tuple[float, np.ndarray]:
        return _loss(blocks, layout, x, is_logistic, _Share(params["miniBatchFraction"], iteration))

    found, history = descend(
        loss,
        step,
        layout.start(seed, params["initStd"]),
        size=params["stepSize"],
        iterations=params["maxIter"],
        tolerance=params["tol"],
    )
    return layout.machine(found), history


@dataclass(frozen=True)
class _Share:
    """A random share of the rows of a block."""

    fraction: float
    iteration: int

    def of(self, blocks: Iterable[Block]) -> Iterable[Block]:
        if self.fraction >= 1.0:
            yield from blocks
            return
        random = np.random.default_rng(42 + self.iteration)
        for block in blocks:
            rows = np.flatnonzero(random.random(len(block.labels)) < self.fraction)
            if len(rows):
                yield Block(block.labels[rows], block.weights[rows], block.features[rows])


def _loss(
    blocks: Iterable[Block], layout: _Layout, x: np.ndarray, is_logistic: bool, share: _Share
) -> tuple[float, np.ndarray]:
    intercept, linear, factors = layout.parts(x)
    total, rows, slope_sum = 0.0, 0, 0.0
    of_line, of_factors = np.zeros_like(linear), np.zeros_like(factors)
    for block in share.of(blocks):
        features = block.features
        scores = _scores(features, intercept, linear, factors)
        value, slopes = (_logistic if is_logistic else _squared)(scores, block.labels)
        total, rows, slope_sum = total + value, rows + len(scores), slope_sum + float(slopes.sum())
        of_line += features.T @ slopes
        sums = features @ factors
        of_factors += features.T @ (slopes[:, np.newaxis] * sums)
        of_factors -= factors * ((features * features).T @ slopes)[:, np.newaxis]
    parts = [of_factors.reshape(-1), of_line if layout.has_line else [], [slope_sum] * layout.has_intercept]
    return total / max(rows, 1), np.concatenate(parts) / max(rows, 1)


def _scores(features: Features, intercept: float, linear: np.ndarray, factors: np.ndarray) -> np.ndarray:
    squares = (features @ factors) ** 2 - (features * features) @ factors**2
    return features @ linear + 0.5 * squares.sum(axis=1) + intercept


def _squared(scores: np.ndarray, labels: np.ndarray) -> tuple[float, np.ndarray]:
    off = scores - labels
    return float(off @ off), 2.0 * off


def _logistic(scores: np.ndarray, labels: np.ndarray) -> tuple[float, np.ndarray]:
    losses = np.logaddexp(0.0, np.where(labels > 0, -scores, scores))
    with np.errstate(over="ignore"):
        return float(losses.sum()), 1.0 / (1.0 + np.exp(-scores)) - labels
