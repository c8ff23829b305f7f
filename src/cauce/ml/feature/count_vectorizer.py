"""CountVectorizer: how often each word of a learnt vocabulary occurs. IDF: rare terms weigh more."""

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.ml.linalg import VectorUDT
from pyspark.sql.types import StructField, StructType

from cauce.ml.attributes import AttributeGroup, numeric
from cauce.ml.columns import appended, check_new, require
from cauce.ml.feature.counts import Counts
from cauce.ml.feature.hashing_tf import counted
from cauce.ml.feature.words import Words, check_words, gathered_words, words_of
from cauce.ml.params import Params
from cauce.ml.stage import Dataset, Estimator, Model, attribute
from cauce.ml.vectors import sparse_column

__all__ = ["CountVectorizer", "CountVectorizerModel"]


class CountVectorizer(Estimator):
    """Takes the most frequent words that occur in neither too few nor too many rows."""

    def output_schema(self, schema: StructType) -> StructType:
        return _output_schema(self.params, schema, AttributeGroup())

    def fit(self, dataset: Dataset) -> "CountVectorizerModel":
        low, high = self.params["minDF"], self.params["maxDF"]
        if (low >= 1) == (high >= 1):
            require(high >= low, "maxDF must be >= minDF.")
        words, rows, count = Counts(), Counts(), 0
        for batch in dataset.batches([self.params["inputCol"]]):
            found = gathered_words(batch.column(0))
            words.add(found.flat)
            rows.add(_once_per_row(found))
            count += batch.num_rows
        low, high = (share if share >= 1 else share * count for share in (low, high))
        return CountVectorizerModel(
            self.params, _vocabulary(words, rows, low, high, self.params["vocabSize"])
        )


class CountVectorizerModel(Model):
    """Other words count only where a share of a row is asked for."""

    class_name = "org.apache.spark.ml.feature.CountVectorizerModel"

    def __init__(self, params: Params, vocabulary: Sequence[str]) -> None:
        super().__init__(params)
        self._vocabulary = list(vocabulary)

    @attribute
    def vocabulary(self) -> list[str]:
        """The words, the most frequent first."""
        return self._vocabulary

    def output_schema(self, schema: StructType) -> StructType:
        return _output_schema(self.params, schema, AttributeGroup.all([numeric()] * len(self._vocabulary)))

    def transform(self, batch: pa.RecordBatch, schema: StructType) -> pa.RecordBatch:
        words = words_of(batch, schema, self.params["inputCol"], "CountVectorizerModel")
        places = pc.index_in(words.flat.cast(pa.string()), value_set=pa.array(self._vocabulary, pa.string()))
        known = places.is_valid().to_numpy(zero_copy_only=False)
        inside = words.where(known)
        indices = places.drop_null().to_numpy(zero_copy_only=False)
        vectors = counted(indices, inside.offsets, len(self._vocabulary))
        least = self.params["minTF"]
        per_row = np.full(batch.num_rows, least) if least >= 1 else least * np.diff(words.offsets)
        vectors.data[vectors.data < np.repeat(per_row, np.diff(vectors.indptr))] = 0.0
        vectors.eliminate_zeros()
        if self.params["binary"]:
            vectors.data[:] = 1.0
        return appended(batch, {self.params["outputCol"]: sparse_column(vectors)})

    def data(self) -> pa.Table:
        return pa.table({"vocabulary": pa.array([self._vocabulary], pa.list_(pa.string()))})

    @classmethod
    def from_data(cls, params: Params, metadata: dict[str, Any], data: pa.Table) -> Self:
        return cls(params, data["vocabulary"][0].as_py())


def _output_schema(params: Params, schema: StructType, group: AttributeGroup) -> StructType:
    check_words(schema, params["inputCol"])
    check_new(schema, params["outputCol"])
    metadata = group.metadata() if group.attributes else {}
    return StructType([*schema.fields, StructField(params["outputCol"], VectorUDT(), True, metadata)])


def _once_per_row(words: Words) -> pa.Array:
    """Every word as often as there are rows that have it."""
    codes = words.flat.dictionary_encode()
    numbers = pc.fill_null(codes.indices, -1).to_numpy(zero_copy_only=False).astype(np.int64)
    pairs = np.unique(words.rows * (len(codes.dictionary) + 1) + numbers + 1)
    found = pairs % (len(codes.dictionary) + 1) - 1
    return codes.dictionary.take(pa.array(found[found >= 0]))


def _vocabulary(words: Counts, rows: Counts, low: float, high: float, size: int) -> list[str]:
    """Of equally frequent words, the one first in the alphabet goes first; Spark leaves that to chance."""
    texts, counts = words.merged()
    in_rows = dict(zip(*(part.to_pylist() for part in rows.merged()), strict=True))
    frequencies = dict(zip(texts.to_pylist(), counts.to_pylist(), strict=True))
    kept = [text for text in frequencies if low <= in_rows[text] <= high]
    return sorted(kept, key=lambda text: (-frequencies[text], text))[:size]
