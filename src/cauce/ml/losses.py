"""The functions that linear models minimise: averaged losses over blocks of rows, plus an L2 penalty.

As in Spark, coefficients are those of features divided by their deviation and, where `centred`, shifted by
their mean; neither is done to the rows themselves. A constant column has no say.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from scipy.special import logsumexp

from cauce.ml.instances import Block
from cauce.ml.label_moments import Moments
from cauce.ml.quasi_newton import Objective

__all__ = [
    "Scale",
    "binary_logistic",
    "hinge",
    "huber",
    "least_squares",
    "multinomial_logistic",
    "penalised",
    "weibull",
]


@dataclass(frozen=True)
class Scale:
    """How features are standardised: times `inverse_deviation`, minus `mean` (already so scaled)."""

    inverse_deviation: np.ndarray
    mean: np.ndarray

    @staticmethod
    def of(moments: Moments) -> "Scale":
        deviation = moments.deviation
        inverse = np.divide(1.0, deviation, out=np.zeros_like(deviation), where=deviation != 0)
        return Scale(inverse, inverse * moments.mean)


def penalised(objective: Objective, strengths: np.ndarray) -> Objective:
    """The objective plus half the sum of `strengths` times the squares."""
    if not strengths.any():
        return objective

    def total(x: np.ndarray) -> tuple[float, np.ndarray]:
        value, gradient = objective(x)
        return value + 0.5 * float(strengths @ x**2), gradient + strengths * x

    return total


def binary_logistic(blocks: Iterable[Block], scale: Scale, *, intercept: bool, centred: bool) -> Objective:
    """x: coefficients, then the intercept if there is one."""

    def slopes(block: Block, margins: np.ndarray) -> tuple[float, np.ndarray]:
        small = np.exp(-np.abs(margins))
        chance = np.where(margins >= 0, 1.0, small) / (1.0 + small)
        losses = np.log1p(small) + np.maximum(margins, 0.0) - block.labels * margins
        return float(block.weights @ losses), block.weights * (chance - block.labels)

    return _linear(blocks, scale, slopes, intercept=intercept, centred=centred)


def hinge(blocks: Iterable[Block], scale: Scale, *, intercept: bool) -> Objective:
    """x: coefficients, then the intercept if there is one."""

    def slopes(block: Block, margins: np.ndarray) -> tuple[float, np.ndarray]:
        signs = 2.0 * block.labels - 1.0
        short = 1.0 - signs * margins
        wrong = short > 0
        return float(block.weights[wrong] @ short[wrong]), np.where(wrong, -signs * block.weights, 0.0)

    return _linear(blocks, scale, slopes, intercept=intercept, centred=intercept)


def _linear(blocks: Iterable[Block], scale: Scale, slopes, *, intercept: bool, centred: bool) -> Objective:
    """The average of a loss of one margin a row; `slopes` gives a block's loss and its derivatives."""
    size = len(scale.mean)

    def objective(x: np.ndarray) -> tuple[float, np.ndarray]:
        coefficients = x[:size] * scale.inverse_deviation
        offset = (x[size] if intercept else 0.0) - (float(x[:size] @ scale.mean) if centred else 0.0)
        loss, weight, slope_sum, gradient = 0.0, 0.0, 0.0, np.zeros(size)
        for block in blocks:
            value, slope = slopes(block, block.features @ coefficients + offset)
            loss += value
            weight += block.weights.sum()
            slope_sum += slope.sum()
            gradient += block.features.T @ slope
        gradient *= scale.inverse_deviation
        if centred:
            gradient -= slope_sum * scale.mean
        if intercept:
            gradient = np.append(gradient, slope_sum)
        return loss / weight, gradient / weight

    return objective


def multinomial_logistic(
    blocks: Iterable[Block], scale: Scale, classes: int, *, intercept: bool, centred: bool
) -> Objective:
    """x: for every feature its coefficient of every class, then the intercepts of the classes."""
    size = len(scale.mean)

    def objective(x: np.ndarray) -> tuple[float, np.ndarray]:
        standard = x[: size * classes].reshape(size, classes)
        coefficients = standard * scale.inverse_deviation[:, np.newaxis]
        offsets = (x[size * classes :] if intercept else 0.0) - (scale.mean @ standard if centred else 0.0)
        loss, weight, slope_sum, gradient = 0.0, 0.0, np.zeros(classes), np.zeros((size, classes))
        for block in blocks:
            margins = block.features @ coefficients + offsets
            logs = margins - logsumexp(margins, axis=1, keepdims=True)
            places = np.arange(len(margins)), block.labels.astype(np.int64)
            loss -= float(block.weights @ logs[places])
            slopes = np.exp(logs)
            slopes[places] -= 1.0
            slopes *= block.weights[:, np.newaxis]
            weight += block.weights.sum()
            slope_sum += slopes.sum(axis=0)
            gradient += block.features.T @ slopes
        gradient *= scale.inverse_deviation[:, np.newaxis]
        if centred:
            gradient -= np.outer(scale.mean, slope_sum)
        flat = gradient.reshape(-1)
        return loss / weight, (np.append(flat, slope_sum) if intercept else flat) / weight

    return objective


def least_squares(
    blocks: Iterable[Block], scale: Scale, label_mean: float, label_deviation: float, *, intercept: bool
) -> Objective:
    """x: coefficients; the intercept follows from the means."""

    def objective(x: np.ndarray) -> tuple[float, np.ndarray]:
        coefficients = x * scale.inverse_deviation
        offset = label_mean / label_deviation - float(x @ scale.mean) if intercept else 0.0
        loss, weight, gradient = 0.0, 0.0, np.zeros(len(x))
        for block in blocks:
            off = block.features @ coefficients + offset - block.labels / label_deviation
            slopes = block.weights * off
            loss += 0.5 * float(slopes @ off)
            weight += block.weights.sum()
            gradient += block.features.T @ slopes
        return loss / weight, gradient * scale.inverse_deviation / weight

    return objective


def huber(blocks: Iterable[Block], scale: Scale, epsilon: float, *, intercept: bool) -> Objective:
    """x: coefficients, the intercept if there is one, then sigma."""

    def objective(x: np.ndarray) -> tuple[float, np.ndarray]:
        sigma, sigma_slopes = x[-1], []

        def slopes(block: Block, margins: np.ndarray) -> tuple[float, np.ndarray]:
            off = block.labels - margins
            near = np.abs(off) <= sigma * epsilon
            share = off / sigma
            losses = np.where(
                near, sigma + off * share, sigma + 2.0 * epsilon * np.abs(off) - sigma * epsilon**2
            )
            sigma_slopes.append(float(block.weights @ np.where(near, 1.0 - share**2, 1.0 - epsilon**2)) / 2)
            slope = np.where(near, -share, np.where(off >= 0, -epsilon, epsilon))
            return 0.5 * float(block.weights @ losses), block.weights * slope

        value, gradient = _linear(blocks, scale, slopes, intercept=intercept, centred=intercept)(x[:-1])
        weight = sum(block.weights.sum() for block in blocks)
        return value, np.append(gradient, sum(sigma_slopes) / weight)

    return objective


def weibull(blocks: Iterable[Block], scale: Scale, *, intercept: bool) -> Objective:
    """Accelerated failure time: labels are times, weights say 1 for an event and 0 for a censored row.

    x: coefficients, the intercept, then log(sigma).
    """
    size = len(scale.mean)

    def objective(x: np.ndarray) -> tuple[float, np.ndarray]:
        sigma = np.exp(x[-1])
        coefficients = x[:size] * scale.inverse_deviation
        offset = x[size] - float(x[:size] @ scale.mean) if intercept else 0.0
        loss, rows, totals, gradient = 0.0, 0, np.zeros(2), np.zeros(size)
        for block in blocks:
            events = block.weights
            off = (np.log(block.labels) - block.features @ coefficients - offset) / sigma
            grown = np.exp(off)
            loss += float((events * (x[-1] - off) + grown).sum())
            slopes = (events - grown) / sigma
            totals += [slopes.sum(), (events + (events - grown) * off).sum()]
            rows += len(off)
            gradient += block.features.T @ slopes
        gradient *= scale.inverse_deviation
        if intercept:
            gradient -= totals[0] * scale.mean
        slope_sum = totals[0] if intercept else 0.0
        return loss / rows, np.concatenate([gradient, [slope_sum, totals[1]]]) / rows

    return objective
