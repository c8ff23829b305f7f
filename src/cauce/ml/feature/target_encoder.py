"""TargetEncoder: a category as the mean of the target over its rows, smoothed towards the mean of all."""

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
import pyarrow as pa
from pyspark.sql.types import DoubleType, NumericType, StructField, StructType

from cauce.errors import SparkError, SparkRuntimeException
from cauce.ml.attributes import nominal
from cauce.ml.columns import appended, check_new, column, doubles, java_double, java_name
from cauce.ml.feature.many_columns import pairs_of
from cauce.ml.params import Params
from cauce.ml.stage import Dataset, Estimator, Model

__all__ = ["TargetEncoder", "TargetEncoderModel"]

NULL_CATEGORY = -1.0
UNSEEN_CATEGORY = float(np.iinfo(np.int32).max)
HANDLE_INVALID = {"handleInvalid": lambda name: name in ("keep", "error")}

Stats = Mapping[float, tuple[float, float]]
"""By category: how many rows, and the sum (binary) or mean (continuous) of the target."""


class TargetEncoder(Estimator):
    """Gathers counts and sums in one pass. Missing categories are one of their own."""

    valid = {
        **HANDLE_INVALID,
        "targetType": lambda name: name in ("binary", "continuous"),
        "smoothing": lambda smoothing: smoothing >= 0,
    }

    def output_schema(self, schema: StructType) -> StructType:
        return _output_schema(self.params, schema, [self.params["labelCol"]])

    def fit(self, dataset: Dataset) -> "TargetEncoderModel":
        names = [source for source, _ in pairs_of(self.params)]
        gathered: list[dict[float, tuple[float, float]]] = [{} for _ in names]
        for batch in dataset.batches([*names, self.params["labelCol"]]):
            target = self._target(batch.column(len(names)))
            for stats, cells in zip(gathered, batch.columns, strict=False):
                self._gather(stats, cells, target)
        mean = self.params["targetType"] == "continuous"
        return TargetEncoderModel(self.params, [_finished(stats, mean=mean) for stats in gathered])

    def _target(self, labels: pa.Array) -> np.ndarray:
        target = doubles(labels)
        wrong = (target != 0) & (target != 1) & ~np.isnan(target)
        if self.params["targetType"] == "binary" and wrong.any():
            number = java_double(float(target[np.argmax(wrong)]))
            message = f"Labels for TARGET_BINARY must be {{0, 1}}, but got {number}"
            raise SparkRuntimeException("USER_RAISED_EXCEPTION", errorMessage=message)
        return target

    def _gather(self, stats: dict[float, tuple[float, float]], cells: pa.Array, target: np.ndarray) -> None:
        categories = _categories(cells)
        used = ~np.isnan(target)
        values, first, codes = np.unique(categories[used], return_index=True, return_inverse=True)
        counts = np.bincount(codes, minlength=len(values))
        sums = np.bincount(codes, weights=target[used], minlength=len(values))
        for place in np.argsort(first):
            count, total = stats.get(float(values[place]), (0.0, 0.0))
            stats[float(values[place])] = (count + float(counts[place]), total + float(sums[place]))


class TargetEncoderModel(Model):
    """Statistics of each column's categories; what to make of them can be changed later."""

    class_name = "org.apache.spark.ml.feature.TargetEncoderModel"
    valid = HANDLE_INVALID

    def __init__(self, params: Params, stats: Sequence[Stats]) -> None:
        super().__init__(params)
        self.stats = [dict(one) for one in stats]

    def output_schema(self, schema: StructType) -> StructType:
        schema = _output_schema(self.params, schema, [])
        fields = {field.name: field for field in schema.fields}
        for (_, target), stats in zip(pairs_of(self.params), self.stats, strict=True):
            names = dict.fromkeys(java_double(value) for value in self._encodings(stats).values())
            fields[target] = StructField(
                target, DoubleType(), True, nominal(target, vals=list(names)).metadata()
            )
        return StructType(list(fields.values()))

    def transform(self, batch: pa.RecordBatch, schema: StructType) -> pa.RecordBatch:
        new = {}
        for (source, target), stats in zip(pairs_of(self.params), self.stats, strict=True):
            new[target] = pa.array(self._encoded(column(batch, schema, source), source, stats))
        return appended(batch, new)

    def data(self) -> pa.Table:
        counted = pa.struct(
            [pa.field("_1", pa.float64(), nullable=False), pa.field("_2", pa.float64(), nullable=False)]
        )
        kind = pa.map_(pa.float64(), counted)
        rows = [[(key, {"_1": a, "_2": b}) for key, (a, b) in stats.items()] for stats in self.stats]
        return pa.table({"index": pa.array(range(len(rows)), pa.int32()), "stats": pa.array(rows, kind)})

    @classmethod
    def from_data(cls, params: Params, metadata: dict[str, Any], data: pa.Table) -> Self:
        rows = sorted(data.to_pylist(), key=lambda row: row["index"])
        return cls(params, [{key: (one["_1"], one["_2"]) for key, one in row["stats"]} for row in rows])

    def _encodings(self, stats: Stats) -> dict[float, float]:
        smoothing, is_binary = self.params["smoothing"], self.params["targetType"] == "binary"
        all_count, all_target = stats[UNSEEN_CATEGORY]
        overall = all_target / all_count if is_binary else all_target
        found = {}
        for category, (count, target) in stats.items():
            weight = count / (count + smoothing)
            found[category] = weight * (target / count if is_binary else target) + (1 - weight) * overall
        return found

    def _encoded(self, cells: pa.Array, name: str, stats: Stats) -> np.ndarray:
        encodings = self._encodings(stats)
        overall = encodings.pop(UNSEEN_CATEGORY)
        known = np.array(sorted(encodings))
        values = np.array([encodings[category] for category in known.tolist()])
        categories = _categories(cells, refusing=False)
        at = np.minimum(np.searchsorted(known, categories), len(known) - 1)
        unseen = known[at] != categories
        if unseen.any() and self.params["handleInvalid"] == "error":
            cell = cells[int(np.argmax(unseen))]
            shown = java_double(float(cell.as_py())) if cell.is_valid else "null"
            message = f"Unseen value {shown} in feature {name}. To handle unseen values, "
            raise SparkRuntimeException(
                "USER_RAISED_EXCEPTION", errorMessage=f"{message}set Param handleInvalid to keep."
            )
        return np.where(unseen, overall, values[at])


def _output_schema(params: Params, schema: StructType, others: Sequence[str]) -> StructType:
    pairs = pairs_of(params)
    fields = list(schema.fields)
    for name in [*(source for source, _ in pairs), *others]:
        if name not in schema.names:
            raise SparkError(None, f"No column named {name} found on dataset.")
        kind = schema[name].dataType
        if not isinstance(kind, NumericType):
            numeric = "a subclass of org.apache.spark.sql.types.NumericType$@21bfc715 is required."
            raise SparkError(None, f"Data type for column {name} is {java_name(kind)}, but {numeric}")
    for source, target in pairs:
        check_new(StructType(fields), target)
        fields.append(StructField(target, DoubleType(), schema[source].nullable))
    return StructType(fields)


def _categories(cells: pa.Array, *, refusing: bool = True) -> np.ndarray:
    """Categories as numbers, a missing one too."""
    numbers = doubles(cells)
    null = cells.is_null().to_numpy(zero_copy_only=False)
    wrong = ~null & ~((numbers >= 0) & (numbers == np.trunc(numbers)))
    if refusing and wrong.any():
        number = java_double(float(numbers[np.argmax(wrong)]))
        message = f"Values MUST be non-negative integers, but got {number}"
        raise SparkRuntimeException("USER_RAISED_EXCEPTION", errorMessage=message)
    return np.where(null, NULL_CATEGORY, numbers)


def _finished(stats: dict[float, tuple[float, float]], *, mean: bool) -> Stats:
    """With what holds for all rows, after the first category as Spark has it."""
    count = sum(one for one, _ in stats.values())
    total = sum(one for _, one in stats.values())
    items = list(stats.items())
    items.insert(1, (UNSEEN_CATEGORY, (count, total)))
    return {key: (a, b / a if mean and a else b) for key, (a, b) in items}
