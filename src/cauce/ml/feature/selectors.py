"""Selectors of features: by tests against a label, or by variance. The models differ in nothing but name."""

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self

import numpy as np
import pyarrow as pa
from pyspark.ml.linalg import VectorUDT
from pyspark.sql.types import StructField, StructType

from cauce.errors import IllegalArgumentException
from cauce.ml.attributes import AttributeGroup, nominal, numeric
from cauce.ml.columns import (
    VECTOR_TYPE_NAME,
    appended,
    check_new,
    check_numeric,
    check_vector,
    failed_function,
    vectors_of,
)
from cauce.ml.feature.scalers import moments_of
from cauce.ml.feature.vector_slicer import selected_columns
from cauce.ml.params import Params
from cauce.ml.stage import Dataset, Estimator, Model, attribute
from cauce.ml.statistics.hypothesis import Results, analysis_of_variance, chi_squared, regression
from cauce.ml.vectors import sizes

__all__ = [
    "ChiSqSelector",
    "ChiSqSelectorModel",
    "UnivariateFeatureSelector",
    "UnivariateFeatureSelectorModel",
    "VarianceThresholdSelector",
    "VarianceThresholdSelectorModel",
]

MODES = ("numTopFeatures", "percentile", "fpr", "fdr", "fwe")
THRESHOLDS = {"numTopFeatures": 50, "percentile": 0.1, "fpr": 0.05, "fdr": 0.05, "fwe": 0.05}
TESTS: Mapping[tuple[str, str], Callable[[Dataset, str, str], Results]] = {
    ("categorical", "categorical"): chi_squared,
    ("continuous", "categorical"): analysis_of_variance,
    ("continuous", "continuous"): regression,
}


class _Selector(Estimator):
    """Appends the selected features of a vector column."""

    def output_schema(self, schema: StructType) -> StructType:
        check_vector(schema, self.params["featuresCol"])
        if self.params.get("labelCol") is not None:
            check_numeric(schema, self.params["labelCol"])
        check_new(schema, self.params["outputCol"])
        return StructType([*schema.fields, StructField(self.params["outputCol"], VectorUDT())])

    @abstractmethod
    def fit(self, dataset: Dataset) -> "_SelectorModel": ...


class _SelectorModel(Model):
    """Keeps the selected features, in their order."""

    is_numeric = True

    def __init__(self, params: Params, selected: Sequence[int]) -> None:
        super().__init__(params)
        self.selected = sorted(int(place) for place in selected)

    @attribute
    def selectedFeatures(self) -> list[int]:
        """Places of the features that stay."""
        return self.selected

    def output_schema(self, schema: StructType) -> StructType:
        group = AttributeGroup.of(check_vector(schema, self.params["featuresCol"]))
        check_new(schema, self.params["outputCol"])
        unnamed = [numeric() if self.is_numeric else nominal()] * len(self.selected)
        known = group.attributes
        chosen = unnamed if known is None else [known[place] for place in self.selected]
        metadata = AttributeGroup.all(chosen).metadata()
        return StructType(
            [*schema.fields, StructField(self.params["outputCol"], VectorUDT(), True, metadata)]
        )

    def transform(self, batch: pa.RecordBatch, schema: StructType) -> pa.RecordBatch:
        name = self.class_name.rpartition(".")[2]
        cells = vectors_of(batch, schema, self.params["featuresCol"], name)
        size, last = int(sizes(cells).min(initial=np.iinfo(np.int32).max)), max(self.selected, default=-1)
        if last >= size:
            beyond = next(place for place in self.selected if place >= size)
            bounds = f"Index {beyond} out of bounds for length {size}"
            reason = f"java.lang.ArrayIndexOutOfBoundsException: {bounds}"
            raise failed_function(name, reason, of=VECTOR_TYPE_NAME, to=VECTOR_TYPE_NAME)
        return appended(batch, {self.params["outputCol"]: selected_columns(cells, self.selected)})

    def data(self) -> pa.Table:
        return pa.table({"selectedFeatures": pa.array([self.selected], pa.list_(pa.int32()))})

    @classmethod
    def from_data(cls, params: Params, metadata: dict[str, Any], data: pa.Table) -> Self:
        return cls(params, data["selectedFeatures"][0].as_py())


class UnivariateFeatureSelectorModel(_SelectorModel):
    """What UnivariateFeatureSelector selected."""

    class_name = "org.apache.spark.ml.feature.UnivariateFeatureSelectorModel"


class ChiSqSelectorModel(_SelectorModel):
    """What ChiSqSelector selected."""

    class_name = "org.apache.spark.ml.feature.ChiSqSelectorModel"
    is_numeric = False


class VarianceThresholdSelectorModel(_SelectorModel):
    """What VarianceThresholdSelector selected."""

    class_name = "org.apache.spark.ml.feature.VarianceThresholdSelectorModel"


class UnivariateFeatureSelector(_Selector):
    """The test follows from whether features and label are categorical or continuous."""

    valid = {
        "selectionMode": lambda mode: mode in MODES,
        "featureType": lambda kind: kind in ("categorical", "continuous"),
        "labelType": lambda kind: kind in ("categorical", "continuous"),
    }

    def fit(self, dataset: Dataset) -> UnivariateFeatureSelectorModel:
        kinds = self.params["featureType"], self.params["labelType"]
        if kinds not in TESTS:
            message = f"Unsupported combination: featureType={kinds[0]}, labelType={kinds[1]}"
            raise IllegalArgumentException(None, message)
        results = TESTS[kinds](dataset, self.params["featuresCol"], self.params["labelCol"])
        mode = self.params["selectionMode"]
        threshold = self.params.get("selectionThreshold")
        selected = _selected(results.p_values, mode, THRESHOLDS[mode] if threshold is None else threshold)
        return UnivariateFeatureSelectorModel(self.params, selected)


class ChiSqSelector(_Selector):
    """The chi-squared test alone."""

    valid = {"selectorType": lambda mode: mode in MODES}

    def fit(self, dataset: Dataset) -> ChiSqSelectorModel:
        results = chi_squared(dataset, self.params["featuresCol"], self.params["labelCol"])
        mode = self.params["selectorType"]
        return ChiSqSelectorModel(self.params, _selected(results.p_values, mode, self.params[mode]))


class VarianceThresholdSelector(_Selector):
    """Features that vary by more than the threshold."""

    valid = {"varianceThreshold": lambda threshold: threshold >= 0}

    def output_schema(self, schema: StructType) -> StructType:
        check_vector(schema, self.params["featuresCol"])
        check_new(schema, self.params["outputCol"])
        return StructType([*schema.fields, StructField(self.params["outputCol"], VectorUDT())])

    def fit(self, dataset: Dataset) -> VarianceThresholdSelectorModel:
        moments = moments_of(dataset, self.params["featuresCol"])
        varied = np.flatnonzero(moments.variance > self.params["varianceThreshold"])
        return VarianceThresholdSelectorModel(self.params, varied.tolist())


def _selected(p_values: np.ndarray, mode: str, threshold: float) -> list[int]:
    """Places of the features, by p-value; NaN comes last, of equal ones the first place first."""
    order = np.argsort(np.nan_to_num(p_values, nan=np.inf), kind="stable")
    count = len(p_values)
    match mode:
        case "numTopFeatures":
            return order[: int(threshold)].tolist()
        case "percentile":
            return order[: int(count * threshold)].tolist()
        case "fpr":
            return np.flatnonzero(p_values < threshold).tolist()
        case "fwe":
            return np.flatnonzero(p_values < threshold / count).tolist()
    # Benjamini and Hochberg: up to the last one below its share of the threshold.
    below = np.flatnonzero(p_values[order] <= threshold / count * (np.arange(count) + 1))
    return order[: below.max() + 1].tolist() if len(below) else []
