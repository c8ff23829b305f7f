"""FPGrowth: frequent sets of items, the rules they make, and what the rules say of a basket.

https://github.com/apache/spark/blob/v4.2.0/mllib/src/main/scala/org/apache/spark/ml/fpm/FPGrowth.scala
"""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql.types import ArrayType, StructField, StructType

from cauce.errors import SparkError
from cauce.ml.columns import appended, column, field_of, require, with_fields
from cauce.ml.fpm.itemsets import Baskets, frequent_sets
from cauce.ml.params import Params
from cauce.ml.stage import Dataset, Estimator, Model, attribute

__all__ = ["FPGrowth", "FPGrowthModel"]


@dataclass(frozen=True)
class Rule:
    """Baskets with the `antecedent` have the `consequent` too; numbers index the model's items."""

    antecedent: frozenset[int]
    consequent: int
    confidence: float
    lift: float
    support: float


class FPGrowthModel(Model):
    """Frequent itemsets; rules are made of them when they are asked for."""

    class_name = "org.apache.spark.ml.fpm.FPGrowthModel"

    def __init__(self, params: Params, itemsets: pa.Table, record_count: int) -> None:
        """`itemsets`: items (a list of items), freq."""
        super().__init__(params)
        self.itemsets = itemsets
        self.record_count = record_count

    @attribute
    def freqItemsets(self) -> pa.Table:
        return self.itemsets

    @attribute
    def associationRules(self) -> pa.Table:
        """antecedent, consequent, confidence, lift, support"""
        kind = self.itemsets.schema.field("items").type
        rules = self._rules
        return pa.table(
            {
                "antecedent": self._lists([list(rule.antecedent) for rule in rules], kind),
                "consequent": self._lists([[rule.consequent] for rule in rules], kind),
                "confidence": pa.array([rule.confidence for rule in rules], pa.float64()),
                "lift": pa.array([rule.lift for rule in rules], pa.float64()),
                "support": pa.array([rule.support for rule in rules], pa.float64()),
            }
        )

    @cached_property
    def _encoded(self) -> tuple[pa.Array, list[list[int]], list[int]]:
        """The items, and the itemsets by item number with how often they occur."""
        items = self.itemsets.column("items").combine_chunks()
        flat = items.flatten().dictionary_encode()
        numbers, offsets = flat.indices.to_numpy(), items.offsets.to_numpy() - items.offsets[0].as_py()
        sets = [numbers[first:last].tolist() for first, last in zip(offsets, offsets[1:], strict=False)]
        return flat.dictionary, sets, self.itemsets.column("freq").to_pylist()

    @cached_property
    def _rules(self) -> list[Rule]:
        _, sets, counts = self._encoded
        known = {frozenset(items): count for items, count in zip(sets, counts, strict=True)}
        found = []
        for items, count in zip(sets, counts, strict=True):
            if len(items) < 2:
                continue
            for consequent in items:
                antecedent = frozenset(items) - {consequent}
                confidence = count / known[antecedent]
                if confidence >= self.params["minConfidence"]:
                    alone = known.get(frozenset([consequent]), 0) / self.record_count
                    lift = confidence / alone if alone else math.nan
                    found.append(Rule(antecedent, consequent, confidence, lift, count / self.record_count))
        return found

    def output_schema(self, schema: StructType) -> StructType:
        return _output_schema(self.params, schema)

    def transform(self, batch: pa.RecordBatch, schema: StructType) -> pa.RecordBatch:
        """Per basket the consequents, not in it, of all rules whose antecedent is."""
        baskets = column(batch, schema, self.params["itemsCol"])
        items, _, _ = self._encoded
        numbers = pc.index_in(baskets.flatten(), value_set=items).to_pylist()
        lengths = pc.fill_null(pc.list_value_length(baskets), 0).to_numpy()
        ends = np.cumsum(lengths)
        # Rules are few and sets are what Python is good at; a basket costs as much as there are rules.
        consequents = [
            self._said_of(frozenset(numbers[end - length : end]))
            for end, length in zip(ends, lengths, strict=True)
        ]
        said = self._lists(consequents, baskets.type)
        return appended(batch, {self.params["predictionCol"]: said})

    def _said_of(self, basket: frozenset[int]) -> list[int]:
        rules = self._rules
        found = (
            rule.consequent for rule in rules if rule.antecedent <= basket and rule.consequent not in basket
        )
        return list(dict.fromkeys(found))

    def _lists(self, numbers: list[list[int]], kind: pa.DataType) -> pa.Array:
        items, _, _ = self._encoded
        flat = pa.array([number for some in numbers for number in some], pa.int64())
        offsets = np.cumsum([0, *map(len, numbers)], dtype=np.int32)
        return pa.ListArray.from_arrays(pa.array(offsets), items.take(flat)).cast(kind)

    def data(self) -> pa.Table:
        return self.itemsets

    @classmethod
    def from_data(cls, params: Params, metadata: dict[str, Any], data: pa.Table) -> Self:
        return cls(params, data.select(["items", "freq"]), int(metadata["numTrainingRecords"]))

    def extra_metadata(self) -> dict[str, Any]:
        return {"numTrainingRecords": self.record_count}

    def __str__(self) -> str:
        return f"FPGrowthModel: uid={self.params.uid}, numTrainingRecords={self.record_count}"


class FPGrowth(Estimator):
    """Finds the sets of items that are in at least minSupport of all baskets."""

    def output_schema(self, schema: StructType) -> StructType:
        return _output_schema(self.params, schema)

    def fit(self, dataset: Dataset) -> FPGrowthModel:
        table = dataset.table([self.params["itemsCol"]])
        baskets = table.column(0).combine_chunks()
        baskets = baskets.combine_chunks() if isinstance(baskets, pa.ChunkedArray) else baskets
        baskets = baskets.filter(baskets.is_valid())
        items = baskets.flatten().dictionary_encode()
        starts = baskets.offsets.to_numpy() - (baskets.offsets[0].as_py() if len(baskets) else 0)
        numbers = items.indices.to_numpy(zero_copy_only=False)
        _check_unique(starts, numbers, items.dictionary)
        count_min = math.ceil(self.params["minSupport"] * len(baskets))
        found = frequent_sets(Baskets(starts, numbers, len(items.dictionary)), max(count_min, 1))
        return FPGrowthModel(self.params, _table(list(found), items.dictionary, baskets.type), len(baskets))


def _table(found: list[tuple[list[int], int]], items: pa.Array, kind: pa.DataType) -> pa.Table:
    flat = pa.array([number for numbers, _ in found for number in numbers], pa.int64())
    offsets = np.cumsum([0, *(len(numbers) for numbers, _ in found)], dtype=np.int32)
    sets = pa.ListArray.from_arrays(pa.array(offsets), items.take(flat)).cast(kind)
    counts = pa.array([count for _, count in found], pa.int64())
    fields = [pa.field("items", kind, nullable=False), pa.field("freq", pa.int64(), nullable=False)]
    return pa.Table.from_arrays([sets, counts], schema=pa.schema(fields))


def _check_unique(starts: np.ndarray, numbers: np.ndarray, items: pa.Array) -> None:
    """Refuse a basket that names an item twice."""
    rows = np.repeat(np.arange(len(starts) - 1), np.diff(starts))
    order = np.lexsort((numbers, rows))
    twice = np.flatnonzero((np.diff(rows[order]) == 0) & (np.diff(numbers[order]) == 0))
    if len(twice):
        row = rows[order[twice[0]]]
        basket = items.take(pa.array(numbers[starts[row] : starts[row + 1]])).to_pylist()
        told = ", ".join(map(str, basket))
        raise SparkError(None, f"Items in a transaction must be unique but got WrappedArray({told}).")


def _output_schema(params: Params, schema: StructType) -> StructType:
    kind = field_of(schema, params["itemsCol"]).dataType
    require(isinstance(kind, ArrayType), f"The input column must be array, but got {kind.simpleString()}.")
    assert isinstance(kind, ArrayType), "required above"
    name = params["predictionCol"]
    require(name not in schema.names, f"Column {name} already exists.")
    return with_fields(schema, StructField(name, ArrayType(kind.elementType), False))
