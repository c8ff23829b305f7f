"""KolmogorovSmirnovTest: whether numbers come from a normal distribution."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from cauce.errors import UnsupportedOperationException
from cauce.ml.columns import check_numeric, doubles, require
from cauce.ml.stage import Dataset

__all__ = ["kolmogorov_smirnov"]


def kolmogorov_smirnov(
    dataset: Dataset, column: str, distribution: str, parameters: Sequence[float]
) -> pa.Table:
    """One row: p-value and statistic. All numbers are sorted at once."""
    from scipy import special, stats

    check_numeric(dataset.schema, column)
    if distribution != "norm":
        message = (
            f"{distribution} not yet supported through convenience method. Current options are:['norm']."
        )
        raise UnsupportedOperationException(None, message)
    require(
        len(parameters) in (0, 2),
        "Must provide 2 parameters for the normal distribution: mean and standard deviation.",
    )
    mean, deviation = parameters or (0.0, 1.0)
    numbers = np.sort(doubles(dataset.table([column]).column(0).combine_chunks()))
    count = len(numbers)
    expected = special.ndtr((numbers - mean) / deviation)
    above = (np.arange(count) + 1) / count - expected
    below = expected - np.arange(count) / count
    statistic = float(max(above.max(initial=0.0), below.max(initial=0.0)))
    p_value = 1.0 - (1.0 - float(stats.kstwo.sf(statistic, count)))
    fields = [
        pa.field("pValue", pa.float64(), nullable=False),
        pa.field("statistic", pa.float64(), nullable=False),
    ]
    return pa.Table.from_arrays([pa.array([p_value]), pa.array([statistic])], schema=pa.schema(fields))
