"""What a join asks of a pair of rows beyond equal keys, tested on all candidate pairs at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pyarrow as pa

from cauce.streaming.operators.kernels import pc
from cauce.streaming.operators.physical import physical

__all__ = ["AllOf", "PairCondition", "TimeRange"]


class PairCondition(Protocol):
    """A predicate over pairs; null is not true."""

    @property
    def columns(self) -> Sequence[str]:
        """The columns of either side it reads."""
        ...

    def holds(self, pairs: pa.Table) -> np.ndarray:
        """bool[pairs], of a table that has `columns`."""
        ...


@dataclass(frozen=True)
class TimeRange:
    """`sum(sign * time) + constant_us < 0` over timestamps, or `<= 0`: ranges need no engine."""

    terms: tuple[tuple[str, int], ...]
    constant_us: int
    inclusive: bool

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(name for name, _ in self.terms)

    def holds(self, pairs: pa.Table) -> np.ndarray:
        total = np.full(pairs.num_rows, self.constant_us, dtype=np.int64)
        known = np.ones(pairs.num_rows, dtype=bool)
        for name, sign in self.terms:
            times = physical(pairs.column(name))
            if times.null_count:
                known &= pc.is_valid(times).to_numpy(zero_copy_only=False)
                times = pc.fill_null(times, 0)
            total += sign * times.to_numpy()
        return known & (total <= 0 if self.inclusive else total < 0)


@dataclass(frozen=True)
class AllOf:
    """Several conditions; a later one sees only the pairs that passed the earlier ones."""

    parts: tuple[PairCondition, ...]

    @property
    def columns(self) -> list[str]:
        return list(dict.fromkeys(name for part in self.parts for name in part.columns))

    def holds(self, pairs: pa.Table) -> np.ndarray:
        kept = np.arange(pairs.num_rows)
        for part in self.parts:
            some = pairs if len(kept) == pairs.num_rows else pairs.take(kept)
            kept = kept[part.holds(some)]
        result = np.zeros(pairs.num_rows, dtype=bool)
        result[kept] = True
        return result
