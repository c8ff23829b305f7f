"""Means, variances, extremes and norms of vectors, merged batch by batch as Spark's summarizer does."""

import numpy as np

__all__ = ["Moments"]


class Moments:
    """Of `size` columns. Rows of weight 0 count for nothing; NaN takes no part in extremes."""

    def __init__(self, size: int) -> None:
        self.count = 0
        self.weight = 0.0
        self.weight_squared = 0.0
        self.mean = np.zeros(size)
        self.squares = np.zeros(size)
        """Sums of squared differences from the mean."""
        self.nonzero = np.zeros(size)
        """Weight of the numbers that are not zero."""
        self.norm_l1 = np.zeros(size)
        self.norm_l2_squared = np.zeros(size)
        # Spark begins with the greatest number, not with infinity.
        self.min = np.full(size, np.finfo(np.float64).max)
        self.max = np.full(size, -np.finfo(np.float64).max)

    def add(self, rows: np.ndarray, weights: np.ndarray | None = None) -> None:
        """Take in (rows, size) numbers, and their weights."""
        if weights is not None:
            rows, weights = rows[weights > 0], weights[weights > 0]
        if not len(rows):
            return
        weight = float(len(rows)) if weights is None else float(weights.sum())
        mean = rows.mean(axis=0) if weights is None else weights @ rows / weight
        differences = rows - mean
        scale = np.ones(len(rows)) if weights is None else weights
        self._merge(weight, mean, scale @ (differences * differences))
        self.count += len(rows)
        self.weight_squared += float(scale @ scale)
        self.nonzero += scale @ (rows != 0)
        self.norm_l1 += scale @ np.abs(rows)
        self.norm_l2_squared += scale @ (rows * rows)
        self.min = np.fmin(self.min, np.fmin.reduce(rows, axis=0))
        self.max = np.fmax(self.max, np.fmax.reduce(rows, axis=0))

    @property
    def variance(self) -> np.ndarray:
        """Unbiased, for weights that tell how reliable a row is; 0 for a single row."""
        if not self.weight:
            return np.zeros_like(self.mean)
        denominator = self.weight - self.weight_squared / self.weight
        return np.maximum(self.squares / denominator, 0.0) if denominator > 0 else np.zeros_like(self.mean)

    @property
    def std(self) -> np.ndarray:
        """The square root of the variance."""
        return np.sqrt(self.variance)

    def _merge(self, weight: float, mean: np.ndarray, squares: np.ndarray) -> None:
        total = self.weight + weight
        difference = mean - self.mean
        self.mean = self.mean + difference * (weight / total)
        self.squares = self.squares + squares + difference * difference * (self.weight * weight / total)
        self.weight = total
