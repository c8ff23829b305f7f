"""RFormula: features and label by an R formula; words become indices, indices vectors, products interactions.

Saved as Spark saves it but for the pipeline of its inner stages, which is rebuilt from their labels: Spark
cannot load a saved RFormulaModel, nor can it be loaded from what Spark saved.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Self

import pyarrow as pa
from pyspark.ml.linalg import VectorUDT
from pyspark.sql.types import BooleanType, DoubleType, NumericType, StringType, StructField, StructType

from cauce.errors import IllegalArgumentException
from cauce.ml.attributes import AttributeGroup
from cauce.ml.columns import appended, doubles, field_of, require
from cauce.ml.feature.formula import Formula, parse
from cauce.ml.feature.one_hot_encoder import OneHotEncoderModel
from cauce.ml.feature.polynomial_expansion import Interaction
from cauce.ml.feature.string_indexer import StringIndexer, StringIndexerModel
from cauce.ml.feature.vector_assembler import VectorAssembler
from cauce.ml.feature.vector_model import vector_batches
from cauce.ml.params import Params
from cauce.ml.stage import Dataset, Estimator, Model, Transformer
from cauce.ml.vectors import sizes

__all__ = ["RFormula", "RFormulaModel"]

PACKAGE = "org.apache.spark.ml.feature."
FREQUENT = "frequencyDesc"


class RFormula(Estimator):
    """Counts the words of every column of words that the formula names."""

    def output_schema(self, schema: StructType) -> StructType:
        _check_new(self.params, schema)
        formula = _formula(self.params, schema)
        fields = [*schema.fields, StructField(self.params["featuresCol"], VectorUDT())]
        if formula.label and self.params["labelCol"] not in schema.names:
            fields.append(StructField(self.params["labelCol"], DoubleType()))
        return StructType(fields)

    def fit(self, dataset: Dataset) -> "RFormulaModel":
        schema = dataset.schema
        _check_new(self.params, schema)
        formula = _formula(self.params, schema)
        names = dict.fromkeys(name for term in formula.terms for name in term)
        order = self.params["stringIndexerOrderType"]
        labels = {name: _labels(dataset, name, order) for name in names if _is_words(schema, name)}
        known = {
            name: _size(dataset, name)
            for name in names
            if isinstance(field_of(schema, name).dataType, VectorUDT)
        }
        target = []
        if formula.label in schema.names and (
            _is_words(schema, formula.label) or self.params["forceIndexLabel"]
        ):
            target = _labels(dataset, formula.label, FREQUENT)
        return RFormulaModel(self.params, formula, labels, known, target)


class RFormulaModel(Model):
    """Inner columns are named so that no column of a program has their name."""

    class_name = f"{PACKAGE}RFormulaModel"

    def __init__(
        self,
        params: Params,
        formula: Formula,
        labels: Mapping[str, list[str]],
        vector_sizes: Mapping[str, int],
        label_labels: list[str],
    ) -> None:
        super().__init__(params)
        self.formula = formula
        self.labels = dict(labels)
        self.vector_sizes = dict(vector_sizes)
        self.label_labels = label_labels
        self._names: dict[str, str] = {}
        self._stages = list(self._inner_stages())

    def __str__(self) -> str:
        terms = [
            "{" + ",".join(term) + "}" if len(term) > 1 else "".join(term) for term in self.formula.terms
        ]
        intercept = str(self.formula.has_intercept).lower()
        shown = f"label={self.formula.label}, terms=[{','.join(terms)}], hasIntercept={intercept}"
        return f"RFormulaModel(ResolvedRFormula({shown})) (uid={self.params.uid})"

    def output_schema(self, schema: StructType) -> StructType:
        _check_new(self.params, schema)
        after = schema
        for stage in self._stages:
            after = stage.output_schema(after)
        kept = [field for field in after.fields if field.name not in self._names]
        return self._with_label(StructType([self._renamed(field) for field in kept]), schema)

    def transform(self, batch: pa.RecordBatch, schema: StructType) -> pa.RecordBatch:
        after = schema
        for stage in self._stages:
            batch = stage.transform(batch, after)
            after = stage.output_schema(after)
        batch = batch.select([name for name in after.names if name not in self._names])
        label = self.params["labelCol"]
        if label in after.names or self.formula.label not in schema.names:
            return batch
        numbers = batch.column(schema.names.index(self.formula.label))
        return appended(
            batch, {label: pa.array(doubles(numbers), mask=numbers.is_null().to_numpy(zero_copy_only=False))}
        )

    def data(self) -> pa.Table:
        words = pa.map_(pa.string(), pa.list_(pa.string()))
        columns = {
            "label": pa.array([self.formula.label]),
            "terms": pa.array([[list(term) for term in self.formula.terms]], pa.list_(pa.list_(pa.string()))),
            "hasIntercept": pa.array([self.formula.has_intercept]),
            "labels": pa.array([list(self.labels.items())], words),
            "vectorSizes": pa.array([list(self.vector_sizes.items())], pa.map_(pa.string(), pa.int32())),
            "labelLabels": pa.array([self.label_labels], pa.list_(pa.string())),
        }
        return pa.table(columns)

    @classmethod
    def from_data(cls, params: Params, metadata: dict[str, Any], data: pa.Table) -> Self:
        row = data.to_pylist()[0]
        if "labels" not in row:
            raise IllegalArgumentException(
                None, "An RFormulaModel that Spark saved cannot be loaded: fit it again."
            )
        formula = Formula(row["label"], tuple(map(tuple, row["terms"])), row["hasIntercept"])
        return cls(params, formula, dict(row["labels"]), dict(row["vectorSizes"]), row["labelLabels"])

    def _inner_stages(self) -> Iterator[Transformer]:
        handle = self.params["handleInvalid"]
        for name, labels in self.labels.items():
            yield _stage(
                StringIndexerModel,
                handle,
                [labels],
                inputCol=name,
                outputCol=self._inner(f"stridx_{name}", name),
            )
        assembled, is_first = [], not self.formula.has_intercept
        for place, term in enumerate(self.formula.terms):
            first = term[0]
            if len(term) > 1:
                inner = self._inner(f"interaction_{place}", "")
                yield _stage(
                    Interaction, None, inputCols=[self._indexed(name) for name in term], outputCol=inner
                )
            elif first in self.labels:
                inner = self._inner(f"onehot_{first}", first)
                count = len(self.labels[first]) + (handle == "keep")
                columns = {
                    "inputCols": [self._indexed(first)],
                    "outputCols": [inner],
                    "dropLast": not is_first,
                }
                is_first = False
                yield _stage(OneHotEncoderModel, None, [count], **columns)
            else:
                inner = first
            assembled.append(inner)
        sizes_known = dict(self.vector_sizes)
        params = _params(VectorAssembler, handle, inputCols=assembled, outputCol=self.params["featuresCol"])
        yield VectorAssembler(params, sizes_known)
        if self.label_labels:
            columns = {"inputCol": self.formula.label, "outputCol": self.params["labelCol"]}
            yield _stage(StringIndexerModel, handle, [self.label_labels], **columns)

    def _inner(self, name: str, shown: str) -> str:
        """A new inner column; what its features are called begins with `shown` instead."""
        inner = f"__{self.params.uid}_{name}"
        self._names[inner] = shown
        return inner

    def _indexed(self, name: str) -> str:
        return f"__{self.params.uid}_stridx_{name}" if name in self.labels else name

    def _renamed(self, field: StructField) -> StructField:
        """Features without the names of inner columns."""
        group = AttributeGroup.of(field) if isinstance(field.dataType, VectorUDT) else AttributeGroup()
        if field.name != self.params["featuresCol"] or group.attributes is None:
            return field
        attributes = [one.named(self._shown(one.name or "")) for one in group.attributes]
        metadata = AttributeGroup.all(attributes).metadata()
        return StructField(field.name, field.dataType, field.nullable, metadata)

    def _shown(self, name: str) -> str:
        for inner, shown in sorted(self._names.items(), key=lambda pair: -len(pair[0])):
            name = name.replace(f"{inner}_", f"{shown}_" if shown else "")
        return name

    def _with_label(self, after: StructType, before: StructType) -> StructType:
        label, source = self.params["labelCol"], self.formula.label
        if label in after.names or source not in before.names:
            return after
        kind = before[source].dataType
        if not isinstance(kind, NumericType | BooleanType):
            raise IllegalArgumentException(None, f"Unsupported type for label: {kind}")
        return StructType([*after.fields, StructField(label, DoubleType(), before[source].nullable)])


def _formula(params: Params, schema: StructType) -> Formula:
    usable = NumericType | StringType | BooleanType | VectorUDT
    return parse(
        params["formula"], [field.name for field in schema.fields if isinstance(field.dataType, usable)]
    )


def _check_new(params: Params, schema: StructType) -> None:
    require(params["featuresCol"] not in schema.names, "Features column already exists.")
    label = params["labelCol"]
    is_free = label not in schema.names or isinstance(schema[label].dataType, NumericType)
    require(is_free, "Label column already exists and is not of type NumericType.")


def _is_words(schema: StructType, name: str) -> bool:
    return isinstance(field_of(schema, name).dataType, StringType)


def _labels(dataset: Dataset, name: str, order: str) -> list[str]:
    columns = {"inputCol": name, "outputCol": "index", "stringOrderType": order}
    return StringIndexer(Params(f"{PACKAGE}StringIndexer", "index", columns)).fit(dataset).labels()


def _size(dataset: Dataset, name: str) -> int:
    known = AttributeGroup.of(field_of(dataset.schema, name)).size
    if known >= 0:
        return known
    return next((int(sizes(cells)[0]) for cells in vector_batches(dataset, name)), 0)


def _params(kind: type[Transformer], handle: str | None, **values: Any) -> Params:
    given = values if handle is None else {**values, "handleInvalid": handle}
    return Params(f"{PACKAGE}{kind.__name__.removesuffix('Model')}", kind.__name__, given)


def _stage(kind: Any, handle: str | None, *learnt: Any, **values: Any) -> Transformer:
    return kind(_params(kind, handle, **values), *learnt)
