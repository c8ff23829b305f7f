"""Approximate quantiles of numbers in bounded memory: the answers of Spark's QuantileSummaries.

Greenwald and Khanna's summary ("Space-efficient online computation of quantile summaries", 2001), with the
buffer, insertion and query rules of
https://github.com/apache/spark/blob/master/sql/catalyst/src/main/scala/org/apache/spark/sql/catalyst/util/QuantileSummaries.scala
so that rows in one partition and one order give Spark's own answers.
"""

import math

import numpy as np

__all__ = ["QuantileSummary"]

HEAD_SIZE = 50_000
COMPRESS_THRESHOLD = 10_000


class QuantileSummary:
    """Samples (value, g, delta).

    g rows lie between the sample before and this one, whose rank is uncertain by delta.
    """

    def __init__(self, relative_error: float) -> None:
        self.relative_error = relative_error
        self.count = 0
        self.values = np.zeros(0)
        self.g = np.zeros(0, dtype=np.int64)
        self.delta = np.zeros(0, dtype=np.int64)
        self._head: list[np.ndarray] = []
        self._waiting = 0

    def add(self, values: np.ndarray) -> None:
        """Take in numbers; NaN is not expected."""
        while len(values):
            part = values[: HEAD_SIZE - self._waiting]
            self._head.append(part)
            self._waiting += len(part)
            values = values[len(part) :]
            if self._waiting >= HEAD_SIZE:
                self._insert()
                if len(self.values) >= COMPRESS_THRESHOLD:
                    self._compress()

    def query(self, quantiles: list[float]) -> list[float]:
        """The value of each quantile; nothing without rows."""
        self._insert()
        self._compress()
        return [self._query(quantile) for quantile in quantiles] if len(self.values) else []

    def _insert(self) -> None:
        """Put the waiting numbers among the samples; only ends have a certain rank."""
        if not self._head:
            return
        new = np.sort(np.concatenate(self._head))
        self._head, self._waiting = [], 0
        counts = self.count + 1 + np.arange(len(new))
        delta = np.floor(2 * self.relative_error * counts).astype(np.int64)
        places = np.searchsorted(self.values, new, side="right")
        if places[0] == 0:
            delta[0] = 0
        if places[-1] == len(self.values):
            delta[-1] = 0
        self.values = np.insert(self.values, places, new)
        self.g = np.insert(self.g, places, 1)
        self.delta = np.insert(self.delta, places, delta)
        self.count += len(new)

    def _compress(self) -> None:
        """Merge samples into their successors while ranks stay certain enough: a loop over samples."""
        threshold = 2 * self.relative_error * self.count
        if threshold <= 2 or len(self.values) < 2:
            return
        g, delta = self.g.tolist(), self.delta.tolist()
        head = len(g) - 1
        kept = [head]
        for index in range(len(g) - 2, 0, -1):
            if g[index] + g[head] + delta[head] < threshold:
                g[head] += g[index]
            else:
                head = index
                kept.append(head)
        keep = np.array([0, *reversed(kept)])
        self.values, self.g, self.delta = self.values[keep], np.array(g)[keep], self.delta[keep]

    def _query(self, quantile: float) -> float:
        if quantile <= self.relative_error:
            return float(self.values[0])
        if quantile >= 1 - self.relative_error:
            return float(self.values[-1])
        rank = math.ceil(quantile * self.count)
        error = int((self.g + self.delta).max()) // 2
        least = np.cumsum(self.g)
        near = (least + self.delta - error <= rank) & (rank <= least + error)
        near[-1] = True
        return float(self.values[int(np.argmax(near))])
