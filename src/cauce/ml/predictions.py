"""What models that predict labels share: their output columns, and single predictions for the client."""

from abc import abstractmethod
from typing import Any

import numpy as np
import pyarrow as pa
import scipy.sparse as sp
from pyspark.ml.linalg import DenseVector, SparseVector, Vector, Vectors, VectorUDT
from pyspark.sql.types import ArrayType, DoubleType, FloatType, NumericType, StructField, StructType

from cauce.errors import IllegalArgumentException
from cauce.ml.columns import (
    VECTOR_TYPE_NAME,
    appended,
    column,
    failed_function,
    field_of,
    require,
    with_fields,
)
from cauce.ml.instances import Features, features_of
from cauce.ml.params import Params
from cauce.ml.stage import Estimator, Model, attribute
from cauce.ml.vectors import dense_column

__all__ = [
    "ClassificationModel",
    "PredictionModel",
    "Predictor",
    "ProbabilisticModel",
    "predictor_schema",
]


def predictor_schema(params: Params, schema: StructType, *outputs: str, fitting: bool) -> None:
    """Refuse input columns that are missing or of a wrong type, and output columns that are there already."""
    features = field_of(schema, params["featuresCol"]).dataType
    if not _holds_vectors(features):
        raise IllegalArgumentException(None, f"{_type_name(features)} column cannot be cast to Vector")
    if fitting:
        numeric = [params["labelCol"], *([params["weightCol"]] if params.get("weightCol") else [])]
        for name in numeric:
            kind = field_of(schema, name).dataType
            if not isinstance(kind, NumericType):
                raise IllegalArgumentException(None, "requirement failed")
    for name in outputs:
        require(not name or name not in schema.names, f"Column {name} already exists.")


def _holds_vectors(kind: object) -> bool:
    is_list = isinstance(kind, ArrayType) and isinstance(kind.elementType, DoubleType | FloatType)
    return isinstance(kind, VectorUDT) or is_list


def _type_name(kind: object) -> str:
    return str(kind).removesuffix("()")


class Predictor(Estimator):
    """An estimator of a model that predicts; `outputs` are the parameters that name its columns."""

    outputs: tuple[str, ...] = ("predictionCol",)

    def output_schema(self, schema: StructType) -> StructType:
        names = [self.params.get(name, "") for name in self.outputs]
        predictor_schema(self.params, schema, *names, fitting=True)
        return with_fields(schema, *(_output_field(name) for name in names if name))


def _output_field(name: str) -> StructField:
    return StructField(name, DoubleType(), False)


class PredictionModel(Model):
    """A model of numbers."""

    @attribute
    @abstractmethod
    def numFeatures(self) -> int:
        """How many features a row has."""

    @abstractmethod
    def predictions(self, features: Features) -> np.ndarray:
        """(rows,) the predicted label of every row."""

    @attribute
    def predict(self, value: Vector) -> float:
        """The label of one row."""
        return float(self.predictions(self.checked(_one_row(value)))[0])

    def output_schema(self, schema: StructType) -> StructType:
        name = self.params["predictionCol"]
        predictor_schema(self.params, schema, name, fitting=False)
        return with_fields(schema, StructField(name, DoubleType(), False)) if name else schema

    def transform(self, batch: pa.RecordBatch, schema: StructType) -> pa.RecordBatch:
        name = self.params["predictionCol"]
        if not name:
            return batch
        return appended(batch, {name: pa.array(self.predictions(self.features(batch, schema)))})

    def features(self, batch: pa.RecordBatch, schema: StructType) -> Features:
        """The rows' features."""
        return self.checked(features_of(column(batch, schema, self.params["featuresCol"])))

    def checked(self, features: Features) -> Features:
        """Rows of the size that the model knows; others are refused."""
        expected = self.numFeatures()
        if features.shape[1] != expected and features.shape[0]:
            raise failed_function(
                type(self).__name__,
                "java.lang.IllegalArgumentException: requirement failed: BLAS.dot(x: Vector, y:Vector) was "
                f"given Vectors with non-matching sizes: x.size = {features.shape[1]}, y.size = {expected}",
                of=VECTOR_TYPE_NAME,
                to=VECTOR_TYPE_NAME,
            )
        return features


class ClassificationModel(PredictionModel):
    """A model of classes by a raw score for each."""

    @attribute
    @abstractmethod
    def numClasses(self) -> int:
        """How many classes there are."""

    @abstractmethod
    def raw(self, features: Features) -> np.ndarray:
        """(rows, classes) the score of every class."""

    def raw_to_prediction(self, raw: np.ndarray) -> np.ndarray:
        """The class of the highest score."""
        return np.argmax(raw, axis=1).astype(np.float64)

    def predictions(self, features: Features) -> np.ndarray:
        return self.raw_to_prediction(self.raw(features))

    @attribute
    def predictRaw(self, value: Vector) -> Vector:
        """The scores of one row."""
        return Vectors.dense(self.raw(self.checked(_one_row(value)))[0])

    def output_fields(self) -> list[StructField]:
        """The appended columns with their metadata."""
        classes = self.numClasses()
        sizes = {"ml_attr": {"num_attrs": classes}}
        names = [self.params.get(name, "") for name in ("rawPredictionCol", "probabilityCol")]
        vectors = [StructField(name, VectorUDT(), True, sizes) for name in names if name]
        name = self.params["predictionCol"]
        nominal = {"ml_attr": {"type": "nominal", "num_vals": classes}}
        return [*vectors, *([StructField(name, DoubleType(), False, nominal)] if name else [])]

    def output_schema(self, schema: StructType) -> StructType:
        fields = self.output_fields()
        predictor_schema(self.params, schema, *(field.name for field in fields), fitting=False)
        return with_fields(schema, *fields)

    def transform(self, batch: pa.RecordBatch, schema: StructType) -> pa.RecordBatch:
        fields = self.output_fields()
        if not fields:
            return batch
        raw = self.raw(self.features(batch, schema))
        return appended(batch, {field.name: self._output(field.name, raw) for field in fields})

    def _output(self, name: str, raw: np.ndarray) -> pa.Array:
        if name == self.params.get("rawPredictionCol"):
            return dense_column(raw)
        return pa.array(self.raw_to_prediction(raw))


class ProbabilisticModel(ClassificationModel):
    """A model that turns scores into probabilities; `thresholds` weigh them."""

    @abstractmethod
    def probabilities(self, raw: np.ndarray) -> np.ndarray:
        """(rows, classes) the probability of every class."""

    @attribute
    def predictProbability(self, value: Vector) -> Vector:
        """The probabilities of one row."""
        return Vectors.dense(self.probabilities(self.raw(self.checked(_one_row(value))))[0])

    def raw_to_prediction(self, raw: np.ndarray) -> np.ndarray:
        """The class of the highest score, or of the highest share of its threshold."""
        thresholds = self.params.get("thresholds")
        if not thresholds:
            return super().raw_to_prediction(raw)
        with np.errstate(divide="ignore", invalid="ignore"):
            shares = self.probabilities(raw) / np.asarray(thresholds)
        return np.argmax(np.where(np.isnan(shares), -np.inf, shares), axis=1).astype(np.float64)

    def _output(self, name: str, raw: np.ndarray) -> pa.Array:
        if name == self.params.get("probabilityCol"):
            return dense_column(self.probabilities(raw))
        return super()._output(name, raw)


def _one_row(value: Any) -> Features:
    if isinstance(value, SparseVector):
        return sp.csr_array((value.values, value.indices, [0, len(value.values)]), shape=(1, value.size))
    return (value if isinstance(value, DenseVector) else Vectors.dense(value)).array.reshape(1, -1)
