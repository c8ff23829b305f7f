"""Which values parameters take, in Spark's words: ParamValidators."""

from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["LIMITS", "MACHINE_LIMITS", "above", "at_least", "between", "one_of"]

Check = Callable[[Any], bool]


def one_of(*names: str) -> Check:
    """Names in any case."""
    return lambda value: value.lower() in {name.lower() for name in names}


def between(low: float, high: float) -> Check:
    """Both ends belong to it."""
    return lambda value: low <= value <= high


def at_least(low: float) -> Check:
    """The end belongs to it."""
    return lambda value: value >= low


def above(low: float) -> Check:
    """The end does not belong to it."""
    return lambda value: value > low


LIMITS: Mapping[str, Check] = {
    "regParam": at_least(0),
    "elasticNetParam": between(0, 1),
    "maxIter": at_least(0),
    "tol": at_least(0),
    "aggregationDepth": at_least(2),
    "maxBlockSizeInMB": at_least(0),
    "stepSize": above(0),
}
"""Of parameters that mean the same everywhere."""
MACHINE_LIMITS: Mapping[str, Check] = {
    **LIMITS,
    "factorSize": above(0),
    "initStd": above(0),
    "miniBatchFraction": lambda value: 0 < value <= 1,
    "solver": one_of("gd", "adamW"),
}
"""Of factorization machines."""
