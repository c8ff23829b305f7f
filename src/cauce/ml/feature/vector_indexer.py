"""VectorIndexer: features of few distinct values become categories, numbered from 0."""

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
import pyarrow as pa
from pyspark.sql.types import StructField, StructType

from cauce.errors import NoSuchElementException, SparkError
from cauce.ml.attributes import Attribute, AttributeGroup, binary, nominal, numeric
from cauce.ml.columns import (
    VECTOR_TYPE_NAME,
    appended,
    failed_function,
    field_of,
    java_double,
    require,
    vectors_of,
)
from cauce.ml.feature.vector_model import VectorEstimator, output_field, vector_batches
from cauce.ml.params import Params
from cauce.ml.stage import Dataset, Model, attribute
from cauce.ml.vectors import as_csr, sizes, stored, with_values

__all__ = ["VectorIndexer", "VectorIndexerModel"]

INVALID = (
    "org.apache.spark.SparkException: VectorIndexer encountered invalid value {} on feature index {}. "
    "To handle or skip invalid value, try setting VectorIndexer.handleInvalid."
)


class VectorIndexer(VectorEstimator):
    """Keeps at most maxCategories + 1 distinct values of each feature."""

    valid = {"maxCategories": lambda count: count > 1}

    def fit(self, dataset: Dataset) -> "VectorIndexerModel":
        most = self.params["maxCategories"]
        found: list[np.ndarray] | None = None
        for cells in vector_batches(dataset, self.params["inputCol"]):
            size = len(found) if found is not None else int(sizes(cells)[0])
            _check_sizes(cells, size)
            columns = as_csr(cells).tocsc()
            old = found or [np.zeros(0)] * size
            found = [_distinct(old[place], columns, place, most) for place in range(size)]
        if found is None:
            raise NoSuchElementException(None, "head of empty array")
        maps = {place: _numbered(values) for place, values in enumerate(found) if len(values) <= most}
        return VectorIndexerModel(self.params, len(found), maps)


class VectorIndexerModel(Model):
    """Zero, if there was one, is category 0, so that sparse vectors stay sparse."""

    class_name = "org.apache.spark.ml.feature.VectorIndexerModel"

    def __init__(self, params: Params, size: int, maps: Mapping[int, Mapping[float, int]]) -> None:
        super().__init__(params)
        self.size = size
        self.maps = {place: dict(numbers) for place, numbers in maps.items()}

    @attribute
    def numFeatures(self) -> int:
        """How many features there are."""
        return self.size

    @attribute
    def categoryMaps(self) -> dict[int, dict[float, int]]:
        """The number of each value of the features that are categories."""
        return self.maps

    def output_schema(self, schema: StructType) -> StructType:
        output = output_field(self.params, schema)
        given = AttributeGroup.of(field_of(schema, self.params["inputCol"]))
        if given.size not in (-1, self.size):
            if given.count is None:
                raise NoSuchElementException(None, "None.get")
            message = f"VectorIndexerModel expected {self.size} features, but input column "
            require(
                False, f"{message}{self.params['inputCol']} had metadata specifying {given.size} features."
            )
        old = given.attributes or [numeric()] * self.size
        attributes = [self._attribute(place, known) for place, known in enumerate(old)]
        metadata = AttributeGroup.all(attributes).metadata()
        return StructType([*schema.fields, StructField(output.name, output.dataType, True, metadata)])

    def transform(self, batch: pa.RecordBatch, schema: StructType) -> pa.RecordBatch:
        cells = vectors_of(batch, schema, self.params["inputCol"], "VectorIndexerModel")
        entries = stored(cells)
        values = entries.values.copy()
        wrong = np.zeros(len(values), dtype=bool)
        for place, numbers in self.maps.items():
            here = np.flatnonzero(entries.places == place)
            known = np.array(sorted(numbers))
            at = np.minimum(np.searchsorted(known, values[here]), len(known) - 1)
            missing = known[at] != values[here]
            wrong[here] = missing
            codes = np.array([numbers[value] for value in known.tolist()])
            values[here] = np.where(missing, len(numbers), codes[at])
        if wrong.any() and self.params["handleInvalid"] == "error":
            first = int(np.argmax(wrong))
            reason = INVALID.format(java_double(float(entries.values[first])), entries.places[first])
            raise failed_function("VectorIndexerModel", reason, of=VECTOR_TYPE_NAME, to=VECTOR_TYPE_NAME)
        result = appended(batch, {self.params["outputCol"]: with_values(cells, values)})
        if wrong.any() and self.params["handleInvalid"] == "skip":
            keep = np.ones(batch.num_rows, dtype=bool)
            keep[entries.rows[wrong]] = False
            return result.filter(pa.array(keep))
        return result

    def data(self) -> pa.Table:
        kind = pa.map_(pa.int32(), pa.map_(pa.float64(), pa.int32()))
        maps = [(place, list(numbers.items())) for place, numbers in self.maps.items()]
        return pa.table(
            {"numFeatures": pa.array([self.size], pa.int32()), "categoryMaps": pa.array([maps], kind)}
        )

    @classmethod
    def from_data(cls, params: Params, metadata: dict[str, Any], data: pa.Table) -> Self:
        row = data.to_pylist()[0]
        return cls(
            params, row["numFeatures"], {place: dict(numbers) for place, numbers in row["categoryMaps"]}
        )

    def _attribute(self, place: int, known: Attribute) -> Attribute:
        if place not in self.maps:
            return known
        names = [java_double(value) for value in sorted(self.maps[place])]
        if len(names) == 2:
            return binary(known.name, vals=names)
        return nominal(known.name, ord=False, vals=names)


def _check_sizes(cells: pa.StructArray, size: int) -> None:
    wrong = sizes(cells)[sizes(cells) != size]
    if len(wrong):
        message = f"VectorIndexer expected {size} features but found vector of size {wrong[0]}."
        raise SparkError(None, f"java.lang.IllegalArgumentException: requirement failed: {message}")


def _distinct(old: np.ndarray, columns: Any, place: int, most: int) -> np.ndarray:
    """The distinct values so far; once there are too many, just so many."""
    if len(old) > most:
        return old
    values = columns.data[columns.indptr[place] : columns.indptr[place + 1]]
    zero = [0.0] if len(values) < columns.shape[0] else []
    return np.unique(np.concatenate([old, values + 0.0, zero]))[: most + 1]


def _numbered(values: np.ndarray) -> dict[float, int]:
    ordered = sorted(values.tolist(), key=lambda value: (value != 0, value))
    return {value: number for number, value in enumerate(ordered)}
