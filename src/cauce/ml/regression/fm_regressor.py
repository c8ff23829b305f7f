"""FMRegressor: a factorization machine for numbers."""

from typing import Any, Self

import numpy as np
import pyarrow as pa
from pyspark.ml.linalg import Matrix, Vector

from cauce.ml.factorization import Machine, learned
from cauce.ml.instances import Features, Instances
from cauce.ml.params import Params
from cauce.ml.predictions import PredictionModel, Predictor
from cauce.ml.saved_rows import one_row, row_of
from cauce.ml.stage import Dataset, attribute
from cauce.ml.valid_values import MACHINE_LIMITS

__all__ = ["FMRegressionModel", "FMRegressor"]


class FMRegressionModel(PredictionModel):
    """Predicts the machine's scores."""

    class_name = "org.apache.spark.ml.regression.FMRegressionModel"

    def __init__(self, params: Params, machine: Machine) -> None:
        super().__init__(params)
        self.machine = machine

    @attribute
    def numFeatures(self) -> int:
        return self.machine.factors.numRows

    @attribute
    def intercept(self) -> float:
        return self.machine.intercept

    @attribute
    def linear(self) -> Vector:
        return self.machine.linear

    @attribute
    def factors(self) -> Matrix:
        return self.machine.factors

    def predictions(self, features: Features) -> np.ndarray:
        return self.machine.scores(features)

    def data(self) -> pa.Table:
        machine = self.machine
        return one_row({"intercept": machine.intercept, "linear": machine.linear, "factors": machine.factors})

    @classmethod
    def from_data(cls, params: Params, metadata: dict[str, Any], data: pa.Table) -> Self:
        row = row_of(data)
        return cls(params, Machine(row["intercept"], row["linear"], row["factors"]))


class FMRegressor(Predictor):
    """Minimises squared errors."""

    valid = MACHINE_LIMITS

    def fit(self, dataset: Dataset) -> FMRegressionModel:
        blocks = Instances(dataset, self.params, label="number", weighted=False)
        machine, _ = learned(self.params, blocks, is_logistic=False)
        return FMRegressionModel(self.params, machine)
