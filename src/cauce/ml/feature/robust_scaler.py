"""RobustScaler: vectors centred at medians and scaled by quantile ranges, which outliers do not move."""

import numpy as np
import pyarrow as pa
from pyspark.ml.linalg import Vector

from cauce.errors import NoSuchElementException
from cauce.ml.columns import require
from cauce.ml.feature.vector_model import (
    VectorEstimator,
    VectorModel,
    inverse,
    shift_and_scale,
    vector_batches,
)
from cauce.ml.quantiles import QuantileSummary
from cauce.ml.stage import Dataset, attribute
from cauce.ml.vectors import as_dense

__all__ = ["RobustScaler", "RobustScalerModel"]


class RobustScaler(VectorEstimator):
    """One summary per column; NaN is left out."""

    def fit(self, dataset: Dataset) -> "RobustScalerModel":
        lower, upper = self.params["lower"], self.params["upper"]
        message = f"The specified lower quantile({lower}) is larger or equal to upper quantile({upper})"
        require(lower < upper, message)
        summaries: list[QuantileSummary] = []
        for cells in vector_batches(dataset, self.params["inputCol"]):
            rows = as_dense(cells)
            error = self.params["relativeError"]
            summaries = summaries or [QuantileSummary(error) for _ in range(rows.shape[1])]
            message = f"Number of features must be {len(summaries)} but got {rows.shape[1]}"
            require(rows.shape[1] == len(summaries), message)
            for summary, numbers in zip(summaries, rows.T, strict=True):
                summary.add(numbers[~np.isnan(numbers)])
        if not summaries:
            raise NoSuchElementException(None, "head of empty array")
        found = np.array([summary.query([lower, 0.5, upper]) or [np.nan] * 3 for summary in summaries])
        return RobustScalerModel(self.params, found[:, 2] - found[:, 0], found[:, 1])


class RobustScalerModel(VectorModel):
    """A column without range becomes 0."""

    class_name = "org.apache.spark.ml.feature.RobustScalerModel"
    saved = ("range", "median")

    @attribute
    def range(self) -> Vector:
        """The quantile ranges."""
        return self.vector("range")

    @attribute
    def median(self) -> Vector:
        """The medians."""
        return self.vector("median")

    def change(self, cells: pa.StructArray) -> pa.StructArray:
        width = self.vectors["range"]
        scale = inverse(width, of_zero=0.0) if self.params["withScaling"] else None
        return shift_and_scale(cells, self.vectors["median"] if self.params["withCentering"] else None, scale)
