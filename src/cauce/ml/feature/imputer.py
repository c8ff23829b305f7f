"""Imputer: missing numbers replaced by the mean, median or most frequent one of their column."""

from decimal import Decimal
from typing import Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql.types import DataType, DoubleType, FloatType, StructField, StructType

from cauce.errors import SparkError
from cauce.ml.columns import (
    appended,
    check_numeric,
    column,
    doubles,
    field_of,
    java_double,
    require,
    with_fields,
)
from cauce.ml.feature.counts import Counts
from cauce.ml.params import Params
from cauce.ml.quantiles import QuantileSummary
from cauce.ml.stage import Dataset, Estimator, Model, attribute

__all__ = ["Imputer", "ImputerModel"]


class Imputer(Estimator):
    """Null, NaN and `missingValue` are missing."""

    valid = {
        "strategy": lambda name: name in ("mean", "median", "mode"),
        "relativeError": lambda e: 0 <= e <= 1,
    }

    def output_schema(self, schema: StructType) -> StructType:
        return _output_schema(self.params, schema)

    def fit(self, dataset: Dataset) -> "ImputerModel":
        names = [source for source, _ in _columns(self.params)]
        gathered = [_gatherer(self.params) for _ in names]
        missing = float(self.params["missingValue"])
        for batch in dataset.batches(names):
            for gatherer, cells in zip(gathered, batch.columns, strict=True):
                numbers = doubles(cells)
                gatherer.add(numbers[~(np.isnan(numbers) | (numbers == missing))])
        surrogates = [gatherer.surrogate() for gatherer in gathered]
        empty = [name for name, surrogate in zip(names, surrogates, strict=True) if np.isnan(surrogate)]
        if empty:
            values = f"Null, Nan or missingValue({java_double(missing)})"
            message = f"surrogate cannot be computed. All the values in {','.join(empty)} are {values}"
            raise SparkError(None, message)
        return ImputerModel(self.params, dict(zip(names, surrogates, strict=True)))


class ImputerModel(Model):
    """Surrogates by input column. The result has the type of its input."""

    class_name = "org.apache.spark.ml.feature.ImputerModel"

    def __init__(self, params: Params, surrogates: dict[str, float]) -> None:
        super().__init__(params)
        self.surrogates = surrogates

    @attribute
    def surrogateDF(self) -> pa.Table:
        """One row: what replaces missing values of each input column."""
        return self.data()

    def output_schema(self, schema: StructType) -> StructType:
        return _output_schema(self.params, schema)

    def transform(self, batch: pa.RecordBatch, schema: StructType) -> pa.RecordBatch:
        new = {}
        missing = float(self.params["missingValue"])
        for source, target in _columns(self.params):
            cells = column(batch, schema, source)
            null = cells.is_null().to_numpy(zero_copy_only=False)
            numbers = doubles(cells)
            wrong = null | (~null & np.isnan(numbers) if np.isnan(missing) else numbers == missing)
            kind = field_of(schema, source).dataType
            surrogate = _cast(self.surrogates[source], cells.type, kind)
            new[target] = pc.if_else(pa.array(wrong), surrogate, cells)
        return appended(batch, new)

    def data(self) -> pa.Table:
        fields = [pa.field(name, pa.float64(), nullable=False) for name in self.surrogates]
        arrays = [pa.array([surrogate]) for surrogate in self.surrogates.values()]
        return pa.Table.from_arrays(arrays, schema=pa.schema(fields))

    @classmethod
    def from_data(cls, params: Params, metadata: dict[str, Any], data: pa.Table) -> Self:
        return cls(params, data.to_pylist()[0])


class _Mean:
    def __init__(self) -> None:
        self.sum, self.count = 0.0, 0

    def add(self, numbers: np.ndarray) -> None:
        self.sum += float(numbers.sum())
        self.count += len(numbers)

    def surrogate(self) -> float:
        return self.sum / self.count if self.count else np.nan


class _Median:
    def __init__(self, relative_error: float) -> None:
        self.summary = QuantileSummary(relative_error)

    def add(self, numbers: np.ndarray) -> None:
        self.summary.add(numbers)

    def surrogate(self) -> float:
        return next(iter(self.summary.query([0.5])), np.nan)


class _Mode:
    """Of those that are equally frequent, the least."""

    def __init__(self) -> None:
        self.counts = Counts()

    def add(self, numbers: np.ndarray) -> None:
        self.counts.add(pa.array(numbers))

    def surrogate(self) -> float:
        values, counts = (part.to_numpy(zero_copy_only=False) for part in self.counts.merged())
        return float(values[counts == counts.max()].min()) if len(values) else np.nan


def _gatherer(params: Params) -> _Mean | _Median | _Mode:
    match params["strategy"]:
        case "mean":
            return _Mean()
        case "median":
            return _Median(params["relativeError"])
    return _Mode()


def _columns(params: Params) -> list[tuple[str, str]]:
    one, many = params.is_set("inputCol"), params.is_set("inputCols")
    if one or not many:
        return [(params["inputCol"], params["outputCol"])]
    sources, targets = params["inputCols"], params["outputCols"]
    message = f"inputCols({len(sources)}) and outputCols({len(targets)}) should have the same length"
    require(len(sources) == len(targets), message)
    return list(zip(sources, targets, strict=True))


def _output_schema(params: Params, schema: StructType) -> StructType:
    fields = [(check_numeric(schema, source), target) for source, target in _columns(params)]
    return with_fields(schema, *(StructField(target, field.dataType, True) for field, target in fields))


def _cast(number: float, arrow: pa.DataType, kind: DataType) -> pa.Scalar:
    """`CAST(number AS type)`: whole numbers are cut, decimals rounded half up."""
    if pa.types.is_decimal(arrow):
        exact = pc.round(pa.scalar(Decimal(repr(number))), arrow.scale, "half_towards_infinity")
        return exact.cast(arrow)
    if isinstance(kind, DoubleType | FloatType):
        return pa.scalar(number).cast(arrow)
    return pa.scalar(int(number)).cast(arrow)
