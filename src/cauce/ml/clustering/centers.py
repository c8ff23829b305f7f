"""What models of cluster centres share: their columns, the summary, and the rows they are fitted to."""

from abc import abstractmethod

import numpy as np
import pyarrow as pa
from pyspark.ml.linalg import DenseMatrix, Vector, VectorUDT
from pyspark.sql.types import ArrayType, DoubleType, FloatType, IntegerType, StructField, StructType

from cauce.errors import SparkError, SparkRuntimeException
from cauce.ml.clustering.lloyd import COSINE, EUCLIDEAN, Points, squares, unit_rows
from cauce.ml.columns import appended, column, doubles, field_of, require, with_fields
from cauce.ml.instances import Features, features_of
from cauce.ml.params import Params
from cauce.ml.stage import Dataset, Model, attribute

__all__ = ["CentersModel", "check_columns", "features_in", "read_points"]

VECTOR_LIKE = (
    "equal to one of the following types: "
    "[struct<type:tinyint,size:int,indices:array<int>,values:array<double>>, array<double>, array<float>]"
)


class CentersModel(Model):
    """Rows belong to the nearest centre."""

    centers: np.ndarray
    """(k, features)"""

    @property
    def measure(self) -> str:
        return self.params["distanceMeasure"]

    @attribute
    def clusterCenterMatrix(self) -> DenseMatrix:
        """(k, features)"""
        rows, columns = self.centers.shape
        return DenseMatrix(rows, columns, self.centers.T.reshape(-1))

    @attribute
    def numFeatures(self) -> int:
        return self.centers.shape[1]

    @attribute
    def predict(self, value: Vector) -> int:
        return int(self.nearest(np.asarray(value.toArray()).reshape(1, -1))[0])

    @abstractmethod
    def nearest(self, features: Features) -> np.ndarray:
        """(rows,) the cluster of every row."""

    def output_schema(self, schema: StructType) -> StructType:
        check_columns(self.params, schema, self.params["predictionCol"])
        metadata = {"ml_attr": {"type": "nominal", "num_vals": len(self.centers)}}
        return with_fields(schema, StructField(self.params["predictionCol"], IntegerType(), False, metadata))

    def transform(self, batch: pa.RecordBatch, schema: StructType) -> pa.RecordBatch:
        features = features_in(column(batch, schema, self.params["featuresCol"]))
        found = self.nearest(features) if batch.num_rows else np.empty(0)
        return appended(batch, {self.params["predictionCol"]: pa.array(found, pa.int32())})


def check_columns(params: Params, schema: StructType, *outputs: str) -> None:
    """Refuse features of a wrong type, and output columns that are there already."""
    name = params["featuresCol"]
    kind = field_of(schema, name).dataType
    # Spark compares the types whole, so that elements must not be nullable.
    is_list = kind in (ArrayType(DoubleType(), False), ArrayType(FloatType(), False))
    require(
        isinstance(kind, VectorUDT) or is_list,
        f"Column {name} must be of type {VECTOR_LIKE} but was actually of type {kind.simpleString()}.",
    )
    for output in outputs:
        require(output not in schema.names, f"Column {output} already exists.")


def features_in(values: pa.Array) -> Features:
    """Vectors, or lists of numbers, as rows."""
    if pa.types.is_struct(values.type):
        return features_of(values)
    if values.null_count:
        raise SparkRuntimeException("USER_RAISED_EXCEPTION", errorMessage="Vectors MUST NOT be Null")
    return values.flatten().cast(pa.float64()).to_numpy().reshape(len(values), -1)


def read_points(dataset: Dataset, params: Params) -> Points:
    """All rows and their weights; for the cosine measure scaled to length 1."""
    weight = params.get("weightCol")
    names = [params["featuresCol"], *([weight] if weight else [])]
    measure = params.get("distanceMeasure", EUCLIDEAN)
    blocks, weights = [], []
    for batch in dataset.batches(names):
        if batch.num_rows:
            features = features_in(batch.column(0))
            if measure == COSINE and not squares(features).all():
                raise SparkError(
                    None, "assertion failed: Cosine distance is not defined for zero-length vectors."
                )
            blocks.append(unit_rows(features) if measure == COSINE else features)
            weights.append(doubles(batch.column(1)) if weight else np.ones(batch.num_rows))
    return Points(blocks, weights, measure)
