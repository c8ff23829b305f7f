"""StandardScaler, MinMaxScaler and MaxAbsScaler: vectors on a common scale, from one pass of moments."""

import numpy as np
import pyarrow as pa
from pyspark.ml.linalg import Vector

from cauce.errors import SparkError
from cauce.ml.columns import require
from cauce.ml.feature.vector_model import (
    VectorEstimator,
    VectorModel,
    inverse,
    shift_and_scale,
    vector_batches,
)
from cauce.ml.moments import Moments
from cauce.ml.stage import Dataset, attribute
from cauce.ml.vectors import as_dense, compressed_column, sizes

__all__ = [
    "MaxAbsScaler",
    "MaxAbsScalerModel",
    "MinMaxScaler",
    "MinMaxScalerModel",
    "StandardScaler",
    "StandardScalerModel",
    "moments_of",
]


REQUIREMENT = "java.lang.IllegalArgumentException: requirement failed: "


class StandardScaler(VectorEstimator):
    """Learns means and standard deviations."""

    def fit(self, dataset: Dataset) -> "StandardScalerModel":
        moments = moments_of(dataset, self.params["inputCol"])
        return StandardScalerModel(self.params, moments.std, moments.mean)


class StandardScalerModel(VectorModel):
    """A column without deviation becomes 0."""

    class_name = "org.apache.spark.ml.feature.StandardScalerModel"
    saved = ("std", "mean")

    @attribute
    def mean(self) -> Vector:
        """The means."""
        return self.vector("mean")

    @attribute
    def std(self) -> Vector:
        """The standard deviations, unbiased."""
        return self.vector("std")

    def change(self, cells: pa.StructArray) -> pa.StructArray:
        shift = self.vectors["mean"] if self.params["withMean"] else None
        scale = inverse(self.vectors["std"], of_zero=0.0) if self.params["withStd"] else None
        return shift_and_scale(cells, shift, scale)


class MinMaxScaler(VectorEstimator):
    """Learns extremes."""

    def fit(self, dataset: Dataset) -> "MinMaxScalerModel":
        low, high = float(self.params["min"]), float(self.params["max"])
        require(low < high, f"The specified min({low}) is larger or equal to max({high})")
        moments = moments_of(dataset, self.params["inputCol"])
        return MinMaxScalerModel(self.params, moments.min, moments.max)


class MinMaxScalerModel(VectorModel):
    """The learnt range becomes [min, max]; a column without range its middle. NaN stays NaN."""

    class_name = "org.apache.spark.ml.feature.MinMaxScalerModel"
    saved = ("originalMin", "originalMax")

    @attribute
    def originalMin(self) -> Vector:
        """The least numbers seen."""
        return self.vector("originalMin")

    @attribute
    def originalMax(self) -> Vector:
        """The greatest numbers seen."""
        return self.vector("originalMax")

    def change(self, cells: pa.StructArray) -> pa.StructArray:
        low, high = float(self.params["min"]), float(self.params["max"])
        least = self.vectors["originalMin"]
        width = self.vectors["originalMax"] - least
        scale = np.where(width != 0, (high - low) / np.where(width == 0, 1.0, width), 0.0)
        numbers = as_dense(cells)
        with np.errstate(invalid="ignore"):
            scaled = np.where(scale != 0, (numbers - least) * scale + low, 0.5 * (high - low) + low)
        return compressed_column(np.where(np.isnan(numbers), numbers, scaled))


class MaxAbsScaler(VectorEstimator):
    """Learns the greatest absolute values."""

    def fit(self, dataset: Dataset) -> "MaxAbsScalerModel":
        moments = moments_of(dataset, self.params["inputCol"])
        return MaxAbsScalerModel(self.params, np.maximum(np.abs(moments.min), np.abs(moments.max)))


class MaxAbsScalerModel(VectorModel):
    """Divides by the greatest absolute value; zeros stay zeros."""

    class_name = "org.apache.spark.ml.feature.MaxAbsScalerModel"
    saved = ("maxAbs",)

    @attribute
    def maxAbs(self) -> Vector:
        """The greatest absolute values."""
        return self.vector("maxAbs")

    def change(self, cells: pa.StructArray) -> pa.StructArray:
        return shift_and_scale(cells, None, inverse(self.vectors["maxAbs"], of_zero=1.0))


def moments_of(dataset: Dataset, name: str) -> Moments:
    """Gathered in one pass; all vectors must be of one size."""
    found: Moments | None = None
    for cells in vector_batches(dataset, name):
        rows = as_dense(cells)
        found = found or Moments(int(sizes(cells)[0]))
        size = len(found.mean)
        wrong = sizes(cells)[sizes(cells) != size]
        if len(wrong):
            message = f"Dimensions mismatch when adding new sample. Expecting {size} but got {wrong[0]}."
            raise SparkError(None, f"{REQUIREMENT}{message}")
        found.add(rows)
    if found is None:
        raise SparkError(None, f"{REQUIREMENT}Nothing has been added to this summarizer.")
    return found
