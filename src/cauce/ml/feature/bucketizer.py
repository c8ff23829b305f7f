"""Bucketizer: numbers as the index of the bucket they fall in."""

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import pyarrow as pa
from pyspark.sql.types import DoubleType, StructField, StructType

from cauce.ml.attributes import nominal
from cauce.ml.columns import appended, check_new, check_numeric, column, doubles, failed_function, java_double
from cauce.ml.feature.many_columns import inputs_and_outputs
from cauce.ml.params import Params
from cauce.ml.stage import Model, attribute

__all__ = ["Bucketizer", "bucket_field"]

NAN = "Bucketizer encountered NaN value. To handle or skip NaNs, try setting Bucketizer.handleInvalid."
OUTSIDE = (
    "Feature value {} out of Bucketizer bounds [{}, {}]. Check your features, or loosen the lower/upper "
    "bound constraints."
)


class Bucketizer(Model):
    """Buckets are closed to the left, the last one to both sides.

    Its parameters are all there is to it: as a model, it is what QuantileDiscretizer learns.
    """

    class_name = "org.apache.spark.ml.feature.Bucketizer"
    valid = {
        "handleInvalid": lambda name: name in ("skip", "error", "keep"),
        "splits": lambda splits: _are_splits(splits),
        "splitsArray": lambda many: all(map(_are_splits, many)),
    }

    def output_schema(self, schema: StructType) -> StructType:
        fields = list(schema.fields)
        for (source, target), splits in self._columns():
            check_numeric(schema, source)
            check_new(StructType(fields), target, word="Column")
            fields.append(bucket_field(target, splits))
        return StructType(fields)

    def transform(self, batch: pa.RecordBatch, schema: StructType) -> pa.RecordBatch:
        columns = self._columns()
        if self.params["handleInvalid"] == "skip":
            numbers = [doubles(column(batch, schema, source)) for (source, _), _ in columns]
            invalid = np.logical_or.reduce([np.isnan(one) for one in numbers])
            batch = batch.filter(pa.array(~invalid)) if invalid.any() else batch
        new = {
            target: self._buckets(column(batch, schema, source), splits)
            for (source, target), splits in columns
        }
        return appended(batch, new)

    @attribute
    def getSplits(self) -> list[float]:
        """The splits of a single column."""
        return list(self.params["splits"])

    @attribute
    def getSplitsArray(self) -> list[list[float]]:
        """The splits of every column."""
        return [list(splits) for splits in self.params["splitsArray"]]

    def data(self) -> pa.Table:
        return pa.table({})

    @classmethod
    def from_data(cls, params: Params, metadata: dict[str, Any], data: pa.Table) -> Self:
        return cls(params)

    def _columns(self) -> Sequence[tuple[tuple[str, str], list[float]]]:
        names = [name for name in ("inputCols", "outputCols") if self.params.is_set(name)]
        counts = "".join(f", num{name[0].upper()}{name[1:]}={len(self.params[name])}" for name in names)
        shown = f"Bucketizer: uid={self.params.uid}{counts}"
        pairs = inputs_and_outputs(self.params, shown=shown, only_one=["splits"], only_many=["splitsArray"])
        splits = self.params["splitsArray"] if self.params.is_set("inputCols") else [self.params["splits"]]
        return list(zip(pairs, splits, strict=True))

    def _buckets(self, cells: pa.Array, splits: list[float]) -> pa.Array:
        valid = cells.is_valid().to_numpy(zero_copy_only=False)
        numbers = doubles(cells)
        edges = np.asarray(splits, dtype=np.float64)
        places = np.searchsorted(edges, numbers, side="right") - 1
        places[numbers == edges[-1]] = len(edges) - 2
        nan = valid & np.isnan(numbers)
        if nan.any() and self.params["handleInvalid"] != "keep":
            raise failed_function("Bucketizer", f"org.apache.spark.SparkException: {NAN}")
        outside = valid & ~nan & ((numbers < edges[0]) | (numbers > edges[-1]))
        if outside.any():
            shown = map(java_double, (numbers[np.argmax(outside)], edges[0], edges[-1]))
            raise failed_function("Bucketizer", f"org.apache.spark.SparkException: {OUTSIDE.format(*shown)}")
        buckets = np.where(nan, len(edges) - 1, places).astype(np.float64)
        return pa.array(buckets, mask=None if valid.all() else ~valid)


def bucket_field(name: str, splits: Sequence[float]) -> StructField:
    """A column of bucket indices; its categories are named after the splits."""
    edges = [java_double(edge) for edge in splits]
    names = [f"{low}, {high}" for low, high in zip(edges, edges[1:], strict=False)]
    return StructField(name, DoubleType(), True, nominal(ord=True, vals=names).metadata())


def _are_splits(splits: Sequence[float]) -> bool:
    return len(splits) >= 3 and all(low < high for low, high in zip(splits, splits[1:], strict=False))
