"""FMClassifier: a factorization machine for two classes."""

from typing import Any, Self

import numpy as np
import pyarrow as pa
from pyspark.ml.linalg import Matrix, Vector
from scipy.special import expit

from cauce.ml.classification.logistic_regression import class_count
from cauce.ml.classification.logistic_summary import logistic_summary
from cauce.ml.columns import require
from cauce.ml.factorization import Machine, learned
from cauce.ml.instances import Features, Instances
from cauce.ml.label_moments import class_weights
from cauce.ml.params import Params
from cauce.ml.predictions import Predictor, ProbabilisticModel
from cauce.ml.saved_rows import one_row, row_of
from cauce.ml.stage import Dataset, attribute
from cauce.ml.valid_values import MACHINE_LIMITS

__all__ = ["FMClassificationModel", "FMClassifier"]


class FMClassificationModel(ProbabilisticModel):
    """The machine's score is that of the second class."""

    class_name = "org.apache.spark.ml.classification.FMClassificationModel"

    def __init__(self, params: Params, machine: Machine) -> None:
        super().__init__(params)
        self.machine = machine

    @attribute
    def numFeatures(self) -> int:
        return self.machine.factors.numRows

    @attribute
    def numClasses(self) -> int:
        return 2

    @attribute
    def intercept(self) -> float:
        return self.machine.intercept

    @attribute
    def linear(self) -> Vector:
        return self.machine.linear

    @attribute
    def factors(self) -> Matrix:
        return self.machine.factors

    @attribute
    def evaluate(self, dataset: Dataset) -> Any:
        """A summary of other rows."""
        return logistic_summary(self, dataset, None)

    def raw(self, features: Features) -> np.ndarray:
        scores = self.machine.scores(features)
        return np.column_stack([-scores, scores])

    def probabilities(self, raw: np.ndarray) -> np.ndarray:
        second = expit(raw[:, 1])
        return np.column_stack([1.0 - second, second])

    def data(self) -> pa.Table:
        machine = self.machine
        return one_row({"intercept": machine.intercept, "linear": machine.linear, "factors": machine.factors})

    @classmethod
    def from_data(cls, params: Params, metadata: dict[str, Any], data: pa.Table) -> Self:
        row = row_of(data)
        return cls(params, Machine(row["intercept"], row["linear"], row["factors"]))


class FMClassifier(Predictor):
    """Minimises the logistic loss."""

    valid = MACHINE_LIMITS

    outputs = ("predictionCol", "rawPredictionCol", "probabilityCol")

    def fit(self, dataset: Dataset) -> FMClassificationModel:
        params = self.params
        blocks = Instances(dataset, params, label="class", weighted=False)
        classes = class_count(dataset.schema, params["labelCol"], len(class_weights(blocks)))
        require(
            classes <= 2, f"FMClassifier only supports binary classification but found {classes} classes."
        )
        machine, history = learned(params, blocks, is_logistic=True)
        model = FMClassificationModel(params, machine)
        model.summary = logistic_summary(model, dataset, history)
        return model
