"""L-BFGS and its orthant-wise kin, step for step as the optimiser that Spark's linear models use.

Spark minimises with Breeze (https://github.com/scalanlp/breeze, package breeze.optimize). The same
directions, line searches and tests for convergence end in the same coefficients, objective history and
number of iterations, whether or not `max_iterations` cut the search short.
"""

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

__all__ = ["Minimum", "Objective", "minimize", "minimize_with_lasso"]

Objective = Callable[[np.ndarray], tuple[float, np.ndarray]]
"""A point to the value and gradient there."""
Slope = Callable[[float], tuple[float, float]]
"""A step along a line to the value and the slope there."""

MEMORY = 10
"""Corrections kept of the inverse Hessian, as Spark has it."""
VALUES_COMPARED_MAX = 20
GRADIENT_MIN = 1e-8
BACKTRACKINGS_MAX = 20


class _SearchFailed(Exception):
    """No step along the direction is good enough."""


@dataclass(frozen=True)
class Minimum:
    """Where the search ended, and the objective after every iteration, the start's first."""

    x: np.ndarray
    history: list[float]


@dataclass(frozen=True)
class _Point:
    x: np.ndarray
    value: float
    gradient: np.ndarray
    adjusted_value: float
    adjusted_gradient: np.ndarray


class _Corrections:
    """The approximation of the inverse Hessian by the last steps."""

    def __init__(self) -> None:
        self.steps: deque[np.ndarray] = deque(maxlen=MEMORY)
        self.changes: deque[np.ndarray] = deque(maxlen=MEMORY)

    def add(self, step: np.ndarray, change: np.ndarray) -> None:
        self.steps.appendleft(step)
        self.changes.appendleft(change)

    def direction(self, gradient: np.ndarray) -> np.ndarray:
        """The quasi-Newton direction by the two-loop recursion."""
        scale = self._scale()
        found = gradient.copy()
        products = [float(s @ y) for s, y in zip(self.steps, self.changes, strict=True)]
        alphas = []
        for step, change, product in zip(self.steps, self.changes, products, strict=True):
            alpha = _divide(float(step @ found), product)
            if math.isnan(alpha):
                raise _SearchFailed
            alphas.append(alpha)
            found -= alpha * change
        found *= scale
        kept = zip(self.steps, self.changes, products, alphas, strict=True)
        for step, change, product, alpha in reversed(list(kept)):
            found += (alpha - _divide(float(change @ found), product)) * step
        return -found

    def _scale(self) -> float:
        if not self.steps:
            return 1.0
        product = float(self.steps[0] @ self.changes[0])
        if product < 0 or math.isnan(product):
            raise _SearchFailed
        return _divide(product, float(self.changes[0] @ self.changes[0]))


class _Plain:
    """The search without a lasso term."""

    def __init__(self, objective: Objective) -> None:
        self.objective = objective

    def at(self, x: np.ndarray) -> _Point:
        value, gradient = self.objective(x)
        return _Point(x, value, gradient, value, gradient)

    def direction(self, point: _Point, corrections: _Corrections) -> np.ndarray:
        return corrections.direction(point.gradient)

    def stepped(self, point: _Point, direction: np.ndarray, length: float) -> np.ndarray:
        return direction * length + point.x

    def step_length(self, point: _Point, direction: np.ndarray, is_first: bool) -> float:
        def slope(length: float) -> tuple[float, float]:
            value, gradient = self.objective(direction * length + point.x)
            return value, float(gradient @ direction)

        start = (point.value, float(point.gradient @ direction))
        length = strong_wolfe(slope, start, _divide(1.0, _norm(direction)) if is_first else 1.0)
        if length * _norm(point.gradient) < 1e-10:
            raise _SearchFailed
        return length


class _Lasso:
    """The orthant-wise search: `penalty` times the absolute values is added to the objective."""

    def __init__(self, objective: Objective, penalty: np.ndarray) -> None:
        self.objective = objective
        self.penalty = penalty

    def at(self, x: np.ndarray) -> _Point:
        value, gradient = self.objective(x)
        at_zero = np.where(
            gradient - self.penalty > 0,
            gradient - self.penalty,
            np.where(gradient + self.penalty < 0, gradient + self.penalty, 0.0),
        )
        adjusted = np.where(x == 0.0, at_zero, gradient + np.sign(x) * self.penalty)
        adjusted = np.where(self.penalty == 0.0, gradient, adjusted)
        return _Point(x, value, gradient, value + float(np.abs(self.penalty * x).sum()), adjusted)

    def direction(self, point: _Point, corrections: _Corrections) -> np.ndarray:
        found = corrections.direction(point.adjusted_gradient)
        return np.where(found * point.adjusted_gradient < 0, found, 0.0)

    def stepped(self, point: _Point, direction: np.ndarray, length: float) -> np.ndarray:
        """Coordinates do not leave the orthant of the point: they stop at zero."""
        found = point.x + direction * length
        orthant = np.where(point.x != 0, np.sign(point.x), np.sign(-point.adjusted_gradient))
        return np.where(np.sign(found) == orthant, found, 0.0)

    def step_length(self, point: _Point, direction: np.ndarray, is_first: bool) -> float:
        def slope(length: float) -> tuple[float, float]:
            there = self.at(self.stepped(point, direction, length))
            return there.adjusted_value, float(there.adjusted_gradient @ direction)

        first = _divide(0.5, _norm(point.gradient)) if is_first else 1.0
        return backtracking(slope, point.value, first, shrink=0.1 if is_first else 0.5)


def minimize(objective: Objective, start: np.ndarray, max_iterations: int, tolerance: float) -> Minimum:
    """The minimum of a smooth function."""
    return _search(_Plain(_remembered(objective)), start, max_iterations, tolerance)


def minimize_with_lasso(
    objective: Objective, penalty: np.ndarray, start: np.ndarray, max_iterations: int, tolerance: float
) -> Minimum:
    """The minimum of a smooth function plus `penalty` @ |x|."""
    return _search(_Lasso(_remembered(objective), penalty), start, max_iterations, tolerance)


def _search(method: _Plain | _Lasso, start: np.ndarray, max_iterations: int, tolerance: float) -> Minimum:
    """Iterate until converged; a failed line search is tried once more without memory of earlier steps."""
    point = method.at(start)
    history = [point.adjusted_value]
    compared: deque[float] = deque([math.inf], maxlen=VALUES_COMPARED_MAX)
    corrections, iteration, failed = _Corrections(), 0, False
    while not _converged(point, history[0], compared, iteration, max_iterations, tolerance):
        try:
            direction = method.direction(point, corrections)
            length = method.step_length(point, direction, iteration == 0)
        except _SearchFailed:
            # The state is told once more, so the history has it twice.
            history.append(point.adjusted_value)
            if failed:
                break
            failed, corrections = True, _Corrections()
            continue
        failed = False
        found = method.at(method.stepped(point, direction, length))
        corrections.add(found.x - point.x, found.gradient - point.gradient)
        point, iteration = found, iteration + 1
        compared.append(point.adjusted_value)
        history.append(point.adjusted_value)
    return Minimum(point.x, history)


def _converged(
    point: _Point,
    initial: float,
    compared: deque[float],
    iteration: int,
    max_iterations: int,
    tolerance: float,
) -> bool:
    if iteration >= max_iterations >= 0:
        return True
    spread = abs(point.adjusted_value - max(compared))
    if len(compared) >= 2 and spread <= tolerance * abs(initial):
        return True
    return _norm(point.adjusted_gradient) <= max(tolerance * abs(point.adjusted_value), GRADIENT_MIN)


def strong_wolfe(slope: Slope, start: tuple[float, float], length: float) -> float:
    """A step that decreases the value enough and flattens the slope (Nocedal and Wright, page 58)."""
    low = (0.0, *start)
    if start[1] > 0:
        raise _SearchFailed
    for attempt in range(10):
        found = (length, *slope(length))
        if not math.isfinite(found[1]):
            length /= 2.0
            continue
        if found[1] > start[0] + 1e-4 * length * start[1] or (found[1] >= low[1] and attempt > 0):
            return _zoom(slope, start, low, found)
        if abs(found[2]) <= 0.9 * abs(start[1]):
            return length
        if found[2] >= 0:
            return _zoom(slope, start, found, low)
        low = found
        length *= 1.5
    raise _SearchFailed


Bracket = tuple[float, float, float]
"""A step, the value and the slope there."""


def _zoom(slope: Slope, start: tuple[float, float], low: Bracket, high: Bracket) -> float:
    """The step between two others."""
    for _ in range(10):
        length = _interpolated(high, low) if low[0] > high[0] else _interpolated(low, high)
        if math.isnan(length):
            raise _SearchFailed
        found = (length, *slope(length))
        if found[1] > start[0] + 1e-4 * length * start[1] or found[1] >= low[1]:
            high = found
            continue
        if abs(found[2]) <= 0.9 * abs(start[1]):
            return length
        if found[2] * (high[0] - low[0]) >= 0:
            high = low
        low = found
    raise _SearchFailed


def _interpolated(left: Bracket, right: Bracket) -> float:
    """The minimum of the cubic through both, kept away from either end."""
    width = right[0] - left[0]
    d1 = left[2] + right[2] - 3 * _divide(left[1] - right[1], left[0] - right[0])
    under = d1 * d1 - left[2] * right[2]
    d2 = math.sqrt(under) if under >= 0 else math.nan
    found = right[0] - width * _divide(right[2] + d2 - d1, right[2] - left[2] + 2 * d2)
    low, high = left[0] + 0.1 * width, left[0] + 0.9 * width
    return low if found < low else high if found > high else found


def backtracking(slope: Slope, value: float, length: float, *, shrink: float) -> float:
    """A step that decreases the value enough and flattens the slope, found by shrinking and growing."""
    base, base_slope = slope(0.0)
    # The first judgement is by the value at the start of the step, as Breeze has it.
    found = (value, slope(length)[1])
    for attempt in range(BACKTRACKINGS_MAX):
        if found[0] > base + length * base_slope * 1e-4:
            factor = shrink
        elif found[1] < 0.9 * base_slope:
            factor = 2.1
        elif found[1] > -0.9 * base_slope:
            factor = shrink
        else:
            return length
        if not 1e-10 <= length * factor <= 1e10:
            raise _SearchFailed
        if attempt < BACKTRACKINGS_MAX - 1:
            length *= factor
            found = slope(length)
    return length


def _remembered(objective: Objective) -> Objective:
    """The objective, which is asked for the same point more than once."""
    last: list[tuple[np.ndarray, float, np.ndarray]] = []

    def cached(x: np.ndarray) -> tuple[float, np.ndarray]:
        if not last or not np.array_equal(last[0][0], x):
            value, gradient = objective(x)
            last[:] = [(x.copy(), value, gradient)]
        return last[0][1], last[0][2]

    return cached


def _norm(vector: np.ndarray) -> float:
    return float(np.linalg.norm(vector))


def _divide(a: float, b: float) -> float:
    """Division as the JVM's: by zero is infinite or not a number."""
    if b != 0.0:
        return a / b
    return math.nan if a == 0.0 or math.isnan(a) else math.copysign(math.inf, a)
