"""QuantileDiscretizer: a Bucketizer whose buckets hold about the same number of rows each."""

import numpy as np
from pyspark.sql.types import StructType

from cauce.errors import ArrayIndexOutOfBoundsException
from cauce.ml.columns import check_new, check_numeric, doubles
from cauce.ml.feature.bucketizer import Bucketizer, bucket_field
from cauce.ml.feature.many_columns import inputs_and_outputs
from cauce.ml.params import Params
from cauce.ml.quantiles import QuantileSummary
from cauce.ml.stage import Dataset, Estimator

__all__ = ["QuantileDiscretizer"]


class QuantileDiscretizer(Estimator):
    """Null and NaN are left out when buckets are sought."""

    valid = {
        "numBuckets": lambda count: count >= 2,
        "numBucketsArray": lambda counts: all(count >= 2 for count in counts),
        "relativeError": lambda error: 0 <= error <= 1,
        "handleInvalid": lambda name: name in ("skip", "error", "keep"),
    }

    def output_schema(self, schema: StructType) -> StructType:
        fields = list(schema.fields)
        for source, target in self._columns():
            check_numeric(schema, source)
            check_new(StructType(fields), target)
            fields.append(bucket_field(target, []))
        return StructType(fields)

    def fit(self, dataset: Dataset) -> Bucketizer:
        sources = [source for source, _ in self._columns()]
        summaries = [QuantileSummary(self.params["relativeError"]) for _ in sources]
        for batch in dataset.batches(sources):
            for summary, cells in zip(summaries, batch.columns, strict=True):
                numbers = doubles(cells)
                summary.add(numbers[~np.isnan(numbers)])
        splits = [_splits(summary, count) for summary, count in zip(summaries, self._counts(), strict=True)]
        return Bucketizer(self._bucketizer_params(splits))

    def _columns(self) -> list[tuple[str, str]]:
        many = ["numBucketsArray"] if self.params.is_set("numBucketsArray") else []
        return inputs_and_outputs(self.params, only_many=many)

    def _counts(self) -> list[int]:
        if self.params.is_set("numBucketsArray"):
            return list(self.params["numBucketsArray"])
        return [self.params["numBuckets"]] * len(self._columns())

    def _bucketizer_params(self, splits: list[list[float]]) -> Params:
        names = ("inputCol", "outputCol", "inputCols", "outputCols")
        values = {name: self.params[name] for name in names if self.params.is_set(name)}
        values |= {"splitsArray": splits} if "inputCols" in values else {"splits": splits[0]}
        values["handleInvalid"] = self.params["handleInvalid"]
        return Params(Bucketizer.class_name, self.params.uid, values)


def _splits(summary: QuantileSummary, count: int) -> list[float]:
    found = summary.query([index / count for index in range(count + 1)])
    if not found:
        raise ArrayIndexOutOfBoundsException(None, "Index 0 out of bounds for length 0")
    inner = {number + 0.0 for number in found[1:-1]}  # -0.0 is 0.0 here.
    return [-np.inf, *sorted(inner), np.inf]
