"""Two stages small enough to read, in the place of the real ones: messages are tested apart from them."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.ml.linalg import DenseVector, VectorUDT
from pyspark.sql.types import DoubleType, StructField, StructType

from cauce.errors import SparkError
from cauce.ml.params import Params
from cauce.ml.registry import ESTIMATORS, MODELS, TRANSFORMERS
from cauce.ml.stage import Dataset, Estimator, Model, Transformed, Transformer, attribute
from cauce.ml.vectors import as_dense, dense_column

FEATURE = "org.apache.spark.ml.feature."


class Binarizer(Transformer):
    """1.0 where a number is above the threshold."""

    def output_schema(self, schema: StructType) -> StructType:
        metadata = {"ml_attr": {"type": "binary"}}
        return StructType(
            [*schema.fields, StructField(self.params["outputCol"], DoubleType(), True, metadata)]
        )

    def transform(self, batch: pa.RecordBatch, schema: StructType) -> pa.RecordBatch:
        numbers = batch.column(self.params["inputCol"])
        if numbers.null_count:
            raise SparkError(None, "no number here")
        above = pc.cast(pc.greater(numbers, self.params["threshold"]), pa.float64())
        return batch.append_column(self.params["outputCol"], above)


class Scaled(Model):
    """Vectors divided by the largest values seen."""

    class_name = FEATURE + "MaxAbsScalerModel"

    def __init__(self, params: Params, largest: np.ndarray, dataset: Dataset | None = None) -> None:
        super().__init__(params)
        self._largest = largest
        self.summary = None if dataset is None else Summary(self, dataset)

    def output_schema(self, schema: StructType) -> StructType:
        return StructType([*schema.fields, StructField(self.params["outputCol"], VectorUDT(), True)])

    def transform(self, batch: pa.RecordBatch, schema: StructType) -> pa.RecordBatch:
        scaled = as_dense(batch.column(self.params["inputCol"])) / self._largest
        return batch.append_column(self.params["outputCol"], dense_column(scaled))

    @attribute
    def maxAbs(self) -> DenseVector:  # noqa: N802 - Spark's name
        return DenseVector(self._largest)

    @attribute
    def trees(self) -> list[Model]:
        return [self, self]

    @attribute
    def rows(self) -> pa.Table:
        return self.data()

    def data(self) -> pa.Table:
        return pa.table({"maxAbs": dense_column(self._largest.reshape(1, -1))})

    @classmethod
    def from_data(cls, params: Params, metadata: dict[str, Any], data: pa.Table) -> "Scaled":
        return cls(params, as_dense(data.column(0).combine_chunks())[0])


class Summary:
    """What a fitted scaler tells of its training."""

    def __init__(self, model: Scaled, dataset: Dataset) -> None:
        self._model, self._dataset = model, dataset

    @attribute
    def count(self) -> int:
        return self._dataset.table(["f"]).num_rows

    @attribute
    def predictions(self) -> Transformed:
        return Transformed(self._model, self._dataset)


class Scaler(Estimator):
    """Learns the largest value of each position."""

    def output_schema(self, schema: StructType) -> StructType:
        return schema

    def fit(self, dataset: Dataset) -> Scaled:
        rows = dataset.table([self.params["inputCol"]]).column(0).combine_chunks()
        return Scaled(self.params, np.abs(as_dense(rows)).max(axis=0), dataset)


def installed(monkeypatch: Any) -> Iterator[None]:
    """These stages under the names of Spark's."""
    monkeypatch.setitem(TRANSFORMERS, FEATURE + "Binarizer", Binarizer)
    monkeypatch.setitem(ESTIMATORS, FEATURE + "MaxAbsScaler", Scaler)
    monkeypatch.setitem(MODELS, Scaled.class_name, Scaled)
    yield
