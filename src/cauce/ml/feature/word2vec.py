"""Word2Vec: words as vectors, near each other where they are used alike.

Skip-gram with hierarchical softmax, trained in small batches: Spark's method and parameters, but not its
random numbers, so vectors differ from Spark's while their likeness does not.
"""

import heapq
from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import scipy.sparse as sp
from pyspark.ml.linalg import Vector, VectorUDT
from pyspark.sql.types import StructField, StructType

from cauce.errors import IllegalStateException
from cauce.ml.columns import appended, check_new, require, sized
from cauce.ml.feature.counts import Counts
from cauce.ml.feature.words import check_words, gathered_words, words_of
from cauce.ml.params import Params
from cauce.ml.stage import Dataset, Estimator, Model, attribute
from cauce.ml.vectors import dense_column, mixed_column

__all__ = ["Word2Vec", "Word2VecModel"]

PAIRS_AT_ONCE = 256
EMPTY = (
    "The vocabulary size should be > 0. You may need to check the setting of minCount, which could be large "
    "enough to remove all your words in sentences."
)


class Word2Vec(Estimator):
    """Counts words in one pass; every training round is another."""

    valid = {"vectorSize": lambda size: size > 0, "minCount": lambda count: count >= 0}

    def output_schema(self, schema: StructType) -> StructType:
        return _output_schema(self.params, schema, -1)

    def fit(self, dataset: Dataset) -> "Word2VecModel":
        name = self.params["inputCol"]
        counts = Counts()
        for batch in dataset.batches([name]):
            counts.add(gathered_words(batch.column(0)).flat)
        texts, numbers = (part.to_pylist() for part in counts.merged())
        kept = [
            (text, number)
            for text, number in zip(texts, numbers, strict=True)
            if number >= self.params["minCount"]
        ]
        require(kept, EMPTY)
        kept.sort(key=lambda one: (-one[1], one[0]))
        network = _Network([number for _, number in kept], self.params["vectorSize"], self.params["seed"])
        vocabulary = pa.array([text for text, _ in kept], pa.string())
        rounds = self.params["maxIter"]
        for turn in range(rounds):
            rate = max(self.params["stepSize"] * (1 - turn / rounds), self.params["stepSize"] * 1e-4)
            for batch in dataset.batches([name]):
                words = gathered_words(batch.column(0))
                known = pc.index_in(words.flat.cast(pa.string()), value_set=vocabulary)
                inside = words.where(known.is_valid().to_numpy(zero_copy_only=False))
                network.learn(known.drop_null().to_numpy(), inside.rows, self.params["windowSize"], rate)
        return Word2VecModel(self.params, vocabulary.to_pylist(), network.vectors)


class Word2VecModel(Model):
    """A row of words becomes the mean of their vectors; unknown words count as zeros."""

    class_name = "org.apache.spark.ml.feature.Word2VecModel"

    def __init__(self, params: Params, vocabulary: Sequence[str], vectors: np.ndarray) -> None:
        super().__init__(params)
        self.vocabulary = list(vocabulary)
        self.vectors = vectors

    @attribute
    def getVectors(self) -> pa.Table:
        """Every word and its vector."""
        vectors = dense_column(self.vectors.astype(np.float64))
        return pa.table({"word": pa.array(self.vocabulary, pa.string()), "vector": vectors})

    @attribute
    def findSynonyms(self, word: str | Vector, count: int) -> pa.Table:
        """The words nearest to a word or vector, by the cosine."""
        found = self._nearest(word, count)
        names, likeness = [name for name, _ in found], [one for _, one in found]
        return pa.table(
            {"word": pa.array(names, pa.string()), "similarity": pa.array(likeness, pa.float64())}
        )

    @attribute
    def findSynonymsArray(self, word: str | Vector, count: int) -> list[tuple[str, float]]:
        """The same as a list."""
        return self._nearest(word, count)

    def output_schema(self, schema: StructType) -> StructType:
        return _output_schema(self.params, schema, self.vectors.shape[1])

    def transform(self, batch: pa.RecordBatch, schema: StructType) -> pa.RecordBatch:
        words = words_of(batch, schema, self.params["inputCol"], "Word2VecModel")
        known = pc.index_in(words.flat.cast(pa.string()), value_set=pa.array(self.vocabulary, pa.string()))
        valid = known.is_valid().to_numpy(zero_copy_only=False)
        means = np.zeros((batch.num_rows, self.vectors.shape[1]))
        np.add.at(means, words.rows[valid], self.vectors[known.drop_null().to_numpy()].astype(np.float64))
        lengths = np.diff(words.offsets)
        means /= np.maximum(lengths, 1)[:, None]
        return appended(batch, {self.params["outputCol"]: mixed_column(sp.csr_array(means), lengths > 0)})

    def data(self) -> pa.Table:
        rows = pa.array(list(self.vectors.astype(np.float32)), pa.list_(pa.float32()))
        return pa.table({"word": pa.array(self.vocabulary, pa.string()), "vector": rows})

    @classmethod
    def from_data(cls, params: Params, metadata: dict[str, Any], data: pa.Table) -> Self:
        return cls(params, data["word"].to_pylist(), np.array(data["vector"].to_pylist(), dtype=np.float32))

    def _nearest(self, word: str | Vector, count: int) -> list[tuple[str, float]]:
        require(count > 0, "Number of similar words should > 0")
        if isinstance(word, str):
            if word not in self.vocabulary:
                raise IllegalStateException(None, f"{word} not in vocabulary")
            asked = self.vectors[self.vocabulary.index(word)].astype(np.float64)
        else:
            asked = np.asarray(word.toArray())
        lengths = np.linalg.norm(self.vectors, axis=1) * np.linalg.norm(asked)
        likeness = np.divide(self.vectors @ asked, lengths, out=np.zeros(len(lengths)), where=lengths > 0)
        order = [place for place in np.argsort(-likeness, kind="stable") if self.vocabulary[place] != word]
        return [(self.vocabulary[place], float(likeness[place])) for place in order[:count]]


class _Network:
    """Word vectors, and those of the inner nodes of the tree of words."""

    def __init__(self, counts: list[int], size: int, seed: int) -> None:
        self._chance = np.random.default_rng(seed & 0xFFFFFFFF)
        self.vectors = ((self._chance.random((len(counts), size)) - 0.5) / size).astype(np.float32)
        self._inner = np.zeros((max(len(counts) - 1, 1), size), dtype=np.float32)
        self._nodes, self._codes, self._used = _tree(counts)

    def learn(self, words: np.ndarray, rows: np.ndarray, window: int, rate: float) -> None:
        """Move the vectors of words towards those around them in their row."""
        centre, around = self._pairs(rows, window)
        for start in range(0, len(centre), PAIRS_AT_ONCE):
            part = slice(start, start + PAIRS_AT_ONCE)
            self._step(words[centre[part]], words[around[part]], rate)

    def _pairs(self, rows: np.ndarray, window: int) -> tuple[np.ndarray, np.ndarray]:
        reach = self._chance.integers(1, window + 1, len(rows))
        places = np.arange(len(rows))
        found = []
        for distance in [*range(-window, 0), *range(1, window + 1)]:
            other = places + distance
            inside = (other >= 0) & (other < len(rows)) & (abs(distance) <= reach)
            inside[inside] &= rows[other[inside]] == rows[places[inside]]
            found.append(np.column_stack([places[inside], other[inside]]))
        pairs = np.concatenate(found)
        pairs = pairs[np.argsort(pairs[:, 0], kind="stable")]
        return pairs[:, 0], pairs[:, 1]

    def _step(self, centre: np.ndarray, around: np.ndarray, rate: float) -> None:
        nodes, used = self._nodes[centre], self._used[centre]
        known = self.vectors[around]
        inner = self._inner[nodes]
        guess = 1.0 / (1.0 + np.exp(-np.clip(np.einsum("bd,bld->bl", known, inner), -6, 6)))
        error = ((1 - self._codes[centre] - guess) * rate * used).astype(np.float32)
        np.add.at(self._inner, nodes, error[:, :, None] * known[:, None, :])
        np.add.at(self.vectors, around, np.einsum("bl,bld->bd", error, inner))


def _tree(counts: list[int]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Huffman's tree: for each word the inner nodes from the root, and which way to go at each."""
    heap = [(count, place) for place, count in enumerate(counts)]
    heapq.heapify(heap)
    parents: dict[int, tuple[int, int]] = {}
    for node in range(len(counts), 2 * len(counts) - 1):
        total = 0
        for way in (0, 1):
            count, place = heapq.heappop(heap)
            parents[place] = (node, way)
            total += count
        heapq.heappush(heap, (total, node))
    paths = []
    for place in range(len(counts)):
        path: list[tuple[int, int]] = []
        while place in parents:
            place, way = parents[place]
            path.append((place - len(counts), way))
        paths.append(path[::-1])
    longest = max(map(len, paths), default=0) or 1
    nodes, codes, used = (
        np.zeros((len(counts), longest), dtype=kind) for kind in (np.int64, np.float32, bool)
    )
    for place, path in enumerate(paths):
        for depth, (node, way) in enumerate(path):
            nodes[place, depth], codes[place, depth], used[place, depth] = node, way, True
    return nodes, codes, used


def _output_schema(params: Params, schema: StructType, size: int) -> StructType:
    check_words(schema, params["inputCol"])
    check_new(schema, params["outputCol"])
    return StructType([*schema.fields, sized(StructField(params["outputCol"], VectorUDT()), size)])
