"""pyspark.ml.stat by the names the client asks for."""

from collections.abc import Callable
from typing import Any

import pyarrow as pa

from cauce.ml.stage import Dataset
from cauce.ml.statistics.covariance import correlation
from cauce.ml.statistics.hypothesis import chi_square_test
from cauce.ml.statistics.kolmogorov_smirnov import kolmogorov_smirnov

__all__ = ["FUNCTIONS"]


def kolmogorov_smirnov_test(dataset: Dataset, column: str, distribution: str, *parameters: Any) -> pa.Table:
    """The parameters come one by one, or as one list."""
    given = parameters[0] if len(parameters) == 1 and isinstance(parameters[0], list | tuple) else parameters
    return kolmogorov_smirnov(dataset, column, distribution, list(given))


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "chiSquareTest": chi_square_test,
    "correlation": correlation,
    "kolmogorovSmirnovTest": kolmogorov_smirnov_test,
}
