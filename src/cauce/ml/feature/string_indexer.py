"""StringIndexer: categories as numbers, the most frequent first; IndexToString: back again."""

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql.types import DataType, NumericType, StringType, StructField, StructType

from cauce.errors import ClassCastException, SparkError, SparkRuntimeException
from cauce.ml.attributes import Attribute, nominal
from cauce.ml.columns import (
    appended,
    as_text,
    check_new,
    column,
    doubles,
    failed_function,
    field_of,
    java_name,
    require,
)
from cauce.ml.feature.counts import Counts
from cauce.ml.feature.many_columns import inputs_and_outputs, pairs_of
from cauce.ml.params import Params
from cauce.ml.stage import Dataset, Estimator, Model, Transformer, attribute

__all__ = ["IndexToString", "StringIndexer", "StringIndexerModel"]

UNKNOWN = "__unknown"
ATTRIBUTES = "org.apache.spark.ml.attribute."
NOT_NOMINAL = "class {0} cannot be cast to class {1} ({0} and {1} are in unnamed module of loader 'app')"
NULL = (
    "org.apache.spark.SparkException: StringIndexer encountered NULL value. To handle or skip NULLS, "
    "try setting StringIndexer.handleInvalid."
)


class StringIndexer(Estimator):
    """Counts in one pass; memory grows with the number of distinct values."""

    def output_schema(self, schema: StructType) -> StructType:
        return _output_schema(schema, _checked(self.params), {}, skip_missing=False)

    def fit(self, dataset: Dataset) -> "StringIndexerModel":
        names = [name for name, _ in _checked(self.params)]
        kinds = [field_of(dataset.schema, name).dataType for name in names]
        counts = [Counts() for _ in names]
        for batch in dataset.batches(names):
            for counter, cells in zip(counts, batch.columns, strict=True):
                counter.add(cells)
        order = self.params["stringOrderType"]
        labels = [_ordered(counter, kind, order) for counter, kind in zip(counts, kinds, strict=True)]
        return StringIndexerModel(self.params, labels)


class StringIndexerModel(Model):
    """Labels of each column in the order of their indices."""

    class_name = "org.apache.spark.ml.feature.StringIndexerModel"

    def __init__(self, params: Params, labels: Sequence[Sequence[str]]) -> None:
        super().__init__(params)
        self._labels = [list(one) for one in labels]

    @attribute
    def labels(self) -> list[str]:
        """The labels, of a model of one column."""
        only_one = "This StringIndexerModel is fit on multiple columns. Call `labelsArray` instead."
        require(len(self._labels) == 1, only_one)
        return self._labels[0]

    @attribute
    def labelsArray(self) -> list[list[str]]:
        """The labels of every column."""
        return self._labels

    def output_schema(self, schema: StructType) -> StructType:
        known = {target: self._known(labels) for (_, target), labels in self._columns()}
        return _output_schema(schema, pairs_of(self.params), known, skip_missing=True)

    def transform(self, batch: pa.RecordBatch, schema: StructType) -> pa.RecordBatch:
        present = [(pair, labels) for pair, labels in self._columns() if pair[0] in schema.names]
        found = {}
        for (source, target), labels in present:
            cells = column(batch, schema, source)
            found[target] = _indices(cells, field_of(schema, source).dataType, labels)
        if self.params["handleInvalid"] == "skip" and found:
            valid = np.logical_and.reduce([indices >= 0 for indices in found.values()])
            batch = batch.filter(pa.array(valid))
            found = {target: indices[valid] for target, indices in found.items()}
        for (source, target), labels in present:
            invalid = found[target] < 0
            if invalid.any():
                self._check(column(batch, schema, source), field_of(schema, source).dataType, invalid)
                found[target] = np.where(invalid, len(labels), found[target])
        return appended(
            batch, {target: pa.array(indices.astype(np.float64)) for target, indices in found.items()}
        )

    def data(self) -> pa.Table:
        kind = pa.list_(pa.list_(pa.string()))
        return pa.table({"labelsArray": pa.array([self._labels], kind)})

    @classmethod
    def from_data(cls, params: Params, metadata: dict[str, Any], data: pa.Table) -> Self:
        row = data.to_pylist()[0]
        return cls(params, row["labelsArray"] if "labelsArray" in row else [row["labels"]])

    def _columns(self) -> list[tuple[tuple[str, str], list[str]]]:
        return list(zip(pairs_of(self.params), self._labels, strict=True))

    def _known(self, labels: list[str]) -> list[str]:
        return [*labels, UNKNOWN] if self.params["handleInvalid"] == "keep" else labels

    def _check(self, cells: pa.Array, kind: DataType, invalid: np.ndarray) -> None:
        if self.params["handleInvalid"] == "keep":
            return
        first = as_text(cells.slice(int(np.argmax(invalid)), 1), kind)[0].as_py()
        unseen = (
            f"org.apache.spark.SparkException: Unseen label: {first}. To handle unseen labels, "
            "set Param handleInvalid to keep."
        )
        raise failed_function("StringIndexerModel", NULL if first is None else unseen, of="string")


class IndexToString(Transformer):
    """The labels of indices, given or from the metadata of the column."""

    def output_schema(self, schema: StructType) -> StructType:
        name = self.params["inputCol"]
        kind = field_of(schema, name).dataType
        require(
            isinstance(kind, NumericType),
            f"The input column {name} must be a numeric type, but got {java_name(kind)}.",
        )
        check_new(schema, self.params["outputCol"])
        self._labels(schema)
        return StructType([*schema.fields, StructField(self.params["outputCol"], StringType())])

    def transform(self, batch: pa.RecordBatch, schema: StructType) -> pa.RecordBatch:
        labels = self._labels(schema)
        cells = column(batch, schema, self.params["inputCol"])
        numbers = doubles(cells)
        inside = np.trunc(np.nan_to_num(numbers)).astype(np.int64)
        wrong = (inside < 0) | (inside >= len(labels))
        wrong |= cells.is_null().to_numpy(zero_copy_only=False)
        if wrong.any():
            first = cells[int(np.argmax(wrong))]
            shown = "null" if not first.is_valid else str(int(inside[np.argmax(wrong)]))
            raise SparkRuntimeException("USER_RAISED_EXCEPTION", errorMessage=f"Unseen index: {shown} ??")
        texts = pa.array(labels, pa.string()).take(pa.array(inside))
        return appended(batch, {self.params["outputCol"]: texts})

    def _labels(self, schema: StructType) -> list[str]:
        given = self.params.get("labels")
        if given:
            return list(given)
        known = Attribute.of(field_of(schema, self.params["inputCol"]))
        if known.kind != "nominal" or known.values is None:
            found = f"{(known.kind or 'unresolved').capitalize()}Attribute{'' if known.kind else '$'}"
            classes = f"{ATTRIBUTES}{found}", f"{ATTRIBUTES}NominalAttribute"
            raise ClassCastException(None, NOT_NOMINAL.format(*classes))
        return known.values


def _checked(params: Params) -> list[tuple[str, str]]:
    if params.is_set("inputCols") and params.is_set("outputCols"):
        same = len(params["inputCols"]) == len(params["outputCols"])
        require(same, "The number of input columns does not match output columns")
    pairs = inputs_and_outputs(params)
    targets = [target for _, target in pairs]
    require(len(set(targets)) == len(targets), "Output columns should not be duplicate.")
    return pairs


def _output_schema(
    schema: StructType, pairs: list[tuple[str, str]], labels: dict[str, list[str]], *, skip_missing: bool
) -> StructType:
    fields = list(schema.fields)
    for source, target in pairs:
        if source not in schema.names:
            if skip_missing:
                continue
            raise SparkError(None, f"Input column {source} does not exist.")
        kind = schema[source].dataType
        require(
            isinstance(kind, StringType | NumericType),
            f"The input column {source} must be either string type or numeric type, "
            f"but got {java_name(kind)}.",
        )
        check_new(schema, target)
        details = {"vals": labels[target]} if target in labels else {}
        field = nominal(target, **details)
        fields.append(StructField(target, field.as_field().dataType, False, field.metadata()))
    return StructType(fields)


def _ordered(counts: Counts, kind: DataType, order: str) -> list[str]:
    values, numbers = counts.merged()
    texts = as_text(values, kind).to_pylist()
    by_text: dict[str, int] = {}
    for text, number in zip(texts, numbers.to_pylist(), strict=True):
        by_text[text] = by_text.get(text, 0) + number
    by_text.pop("NaN", None) if isinstance(kind, NumericType) else None
    alphabetical = sorted(by_text, key=_utf16)
    match order:
        case "frequencyDesc":
            return sorted(alphabetical, key=lambda text: -by_text[text])
        case "frequencyAsc":
            return sorted(alphabetical, key=lambda text: by_text[text])
        case "alphabetDesc":
            return alphabetical[::-1]
    return alphabetical


def _utf16(text: str) -> bytes:
    """Java compares strings by their UTF-16 units."""
    return text.encode("utf-16-be", "surrogatepass")


def _indices(cells: pa.Array, kind: DataType, labels: list[str]) -> np.ndarray:
    """The index of each value, -1 for none. A repeated label has the last of its indices."""
    positions = {label: index for index, label in enumerate(labels)}
    known = pa.array(list(positions), pa.string())
    if isinstance(kind, StringType):
        places = pc.index_in(cells.cast(pa.string()), value_set=known)
    else:
        # Each distinct number is written out once.
        codes = cells.dictionary_encode()
        texts = pc.index_in(as_text(codes.dictionary, kind), value_set=known)
        places = texts.take(codes.indices)
    targets = np.array([*positions.values(), -1])
    return targets[pc.fill_null(places, len(known)).to_numpy(zero_copy_only=False)]
