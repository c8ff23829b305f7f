"""What estimators of trees share: the columns they take, and the parameters Spark lets them have."""

from collections.abc import Callable, Mapping
from typing import Any

from pyspark.sql.types import StructType

from cauce.ml.columns import check_numeric, check_vector
from cauce.ml.predictions import Predictor

__all__ = ["BOOSTED", "CLASSES", "FOREST", "NUMBERS", "TREE", "TreePredictor"]

Valid = Mapping[str, Callable[[Any], bool]]
STRATEGIES = ("auto", "all", "onethird", "sqrt", "log2")


def _is_strategy(value: str) -> bool:
    """A name, a number of features, or a share of them."""
    if value.lower() in STRATEGIES or (value.isdigit() and int(value) > 0):
        return True
    try:
        return 0.0 < float(value) <= 1.0
    except ValueError:
        return False


TREE: Valid = {
    "maxDepth": lambda value: 0 <= value <= 30,
    "maxBins": lambda value: value >= 2,
    "minInstancesPerNode": lambda value: value >= 1,
    "minWeightFractionPerNode": lambda value: 0.0 <= value < 0.5,
    "minInfoGain": lambda value: value >= 0.0,
    "maxMemoryInMB": lambda value: value >= 0,
    "checkpointInterval": lambda value: value == -1 or value >= 1,
}
CLASSES: Valid = {"impurity": lambda value: value.lower() in ("gini", "entropy")}
NUMBERS: Valid = {"impurity": lambda value: value.lower() == "variance"}
SAMPLED: Valid = {"subsamplingRate": lambda value: 0.0 < value <= 1.0, "featureSubsetStrategy": _is_strategy}
FOREST: Valid = {**SAMPLED, "numTrees": lambda value: value >= 1}
BOOSTED: Valid = {
    **SAMPLED,
    **NUMBERS,
    "maxIter": lambda value: value >= 0,
    "stepSize": lambda value: 0.0 < value <= 1.0,
    "validationTol": lambda value: value >= 0.0,
}


class TreePredictor(Predictor):
    """An estimator of trees."""

    valid = {**TREE, **NUMBERS}

    def output_schema(self, schema: StructType) -> StructType:
        check_vector(schema, self.params["featuresCol"])
        check_numeric(schema, self.params["labelCol"])
        if self.params.get("weightCol"):
            check_numeric(schema, self.params["weightCol"])
        return super().output_schema(schema)
