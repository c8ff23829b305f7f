"""Gradient descent over all rows or a share of them, as Spark's GradientDescent runs it.

https://github.com/apache/spark/blob/v4.2.0/mllib/src/main/scala/org/apache/spark/mllib/optimization/GradientDescent.scala
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

__all__ = ["AdamW", "PlainStep", "SquaredL2Step", "descend"]

Step = Callable[[np.ndarray, np.ndarray, float, int], tuple[np.ndarray, float]]
"""(point, gradient, step size, iteration from 1) to the next point and its penalty."""
Loss = Callable[[np.ndarray, int], tuple[float, np.ndarray]]
"""(point, iteration from 1) to the average loss and gradient."""


@dataclass
class AdamW:
    """Adam with decoupled decay of the weights."""

    decay: float
    _first: np.ndarray | None = None
    _second: np.ndarray | None = None
    _powers: list[float] = field(default_factory=lambda: [1.0, 1.0])

    def __call__(self, point: np.ndarray, gradient: np.ndarray, size: float, iteration: int):
        if size > 0:
            first = np.zeros_like(point) if self._first is None else self._first
            second = np.zeros_like(point) if self._second is None else self._second
            self._first = 0.9 * first + (1 - 0.9) * gradient
            self._second = 0.999 * second + (1 - 0.999) * gradient * gradient
            self._powers = [self._powers[0] * 0.9, self._powers[1] * 0.999]
            step = self._first / (1 - self._powers[0])
            spread = np.sqrt(self._second / (1 - self._powers[1])) + 1e-8
            point = point - (size * step / spread + self.decay * point)
        return point, 0.5 * self.decay * float(point @ point)


@dataclass
class SquaredL2Step:
    """Steps that shrink with the root of the iteration, and an L2 penalty."""

    strength: float

    def __call__(self, point: np.ndarray, gradient: np.ndarray, size: float, iteration: int):
        length = size / np.sqrt(iteration)
        found = point * (1.0 - length * self.strength) - length * gradient
        return found, 0.5 * self.strength * float(found @ found)


@dataclass
class PlainStep:
    """Steps of one size, without a penalty."""

    def __call__(self, point: np.ndarray, gradient: np.ndarray, size: float, iteration: int):
        return point - size * gradient, 0.0


def descend(
    loss: Loss, step: Step, start: np.ndarray, *, size: float, iterations: int, tolerance: float
) -> tuple[np.ndarray, list[float]]:
    """The last point, and the loss with its penalty before every step and after the last."""
    point, history = start, []
    _, penalty = step(point, np.zeros_like(point), 0.0, 1)
    for iteration in range(1, iterations + 2):
        value, gradient = loss(point, iteration)
        history.append(value + penalty)
        if iteration == iterations + 1:
            break
        before, (point, penalty) = point, step(point, gradient, size, iteration)
        moved = float(np.linalg.norm(before - point))
        if iteration > 1 and moved < tolerance * max(float(np.linalg.norm(point)), 1.0):
            break
    return point, history
