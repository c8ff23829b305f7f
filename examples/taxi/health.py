"""What can be wrong with arriving trips: too many that cannot be, or another population than the model's."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from trips import plausible

INVALID_SHARE_MAX = 0.20
DRIFT_MAX = 0.25
"""Population stability index: below 0.1 alike, above 0.25 another population."""
DRIFT_ROWS_MIN = 1000
"""Fewer rows than this differ by chance."""
BINS = 10
SHARE_MIN = 1e-4
FEATURE = "distance_km"


@dataclass(frozen=True)
class Profile:
    """Where the training trips lie: the edges of BINS bins of equal share of FEATURE."""

    edges: list[float]

    @classmethod
    def of(cls, trips: DataFrame) -> "Profile":
        shares = [number / BINS for number in range(1, BINS)]
        return cls(trips.approxQuantile(FEATURE, shares, 0.001))

    def drift(self, counts: Sequence[int]) -> float:
        """The population stability index of trips that fall into the bins so often."""
        total = sum(counts)
        shares = [max(count / total, SHARE_MIN) for count in counts]
        return sum((share - 1 / BINS) * math.log(share * BINS) for share in shares)


@dataclass(frozen=True)
class Health:
    """One batch of trips in numbers; `drift` is None for a batch too small to tell."""

    trips: int
    invalid: int
    drift: float | None

    def warnings(self) -> list[str]:
        """What a person should know, in whole sentences."""
        found = []
        if self.trips and self.invalid / self.trips > INVALID_SHARE_MAX:
            found.append(f"{self.invalid} of {self.trips} trips are not plausible (at most 20% expected).")
        if self.drift is not None and self.drift > DRIFT_MAX:
            found.append(
                f"Trips differ from those of training: stability index {self.drift:.2f} > {DRIFT_MAX}."
            )
        return found


def health(trips: DataFrame, profile: Profile) -> Health:
    """Of trips with features; one aggregation."""
    valid = plausible()
    bins = [_in_bin(number, profile.edges) & valid for number in range(BINS)]
    row = trips.agg(
        F.count("*"), F.count_if(~valid), *(F.count_if(condition) for condition in bins)
    ).collect()[0]
    counts = [int(count) for count in row[2:]]
    enough = sum(counts) >= DRIFT_ROWS_MIN
    return Health(row[0], row[1], profile.drift(counts) if enough else None)


def _in_bin(number: int, edges: list[float]) -> Column:
    value = F.col(FEATURE)
    above = value > edges[number - 1] if number > 0 else F.lit(True)
    below = value <= edges[number] if number < len(edges) else F.lit(True)
    return above & below
