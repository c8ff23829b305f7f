"""Locality-sensitive hashing: vectors that are near each other probably share a hash.

MinHashLSH is for sets (the places that are not zero) and Jaccard distance, BucketedRandomProjectionLSH for
points and Euclidean distance. Both searches hold their rows in memory.
"""

from abc import abstractmethod
from typing import Any, Self

import numpy as np
import pyarrow as pa
from pyspark.ml.linalg import Vector, VectorUDT
from pyspark.sql.types import ArrayType, StructField, StructType

from cauce.errors import NoSuchElementException
from cauce.ml.columns import (
    VECTOR_TYPE_NAME,
    appended,
    check_new,
    check_vector,
    failed_function,
    require,
    vectors_of,
)
from cauce.ml.feature.vector_model import vector_batches
from cauce.ml.java_random import JavaRandom
from cauce.ml.params import Params
from cauce.ml.stage import Dataset, Estimator, Model, attribute
from cauce.ml.vectors import VECTOR, as_csr, as_dense, dense_column, matrix_column, matrix_of, sizes

__all__ = [
    "BucketedRandomProjectionLSH",
    "BucketedRandomProjectionLSHModel",
    "MinHashLSH",
    "MinHashLSHModel",
]

PRIME = 2_038_074_743
"""Spark's, the greatest below 2^31 whose hashes do not overflow."""


class _HashingModel(Model):
    """Appends a list of vectors of one number, one for each hash table."""

    @abstractmethod
    def hashes(self, cells: pa.StructArray) -> np.ndarray:
        """(rows, tables) hashes."""

    @abstractmethod
    def distances(self, left: pa.StructArray, right: pa.StructArray) -> np.ndarray:
        """(rows,) distances of vectors side by side."""

    def output_schema(self, schema: StructType) -> StructType:
        return _output_schema(self.params, schema)

    def transform(self, batch: pa.RecordBatch, schema: StructType) -> pa.RecordBatch:
        name = self.class_name.rpartition(".")[2]
        cells = vectors_of(batch, schema, self.params["inputCol"], name)
        return appended(batch, {self.params["outputCol"]: _lists(self.hashes(cells))})

    @attribute
    def approxNearestNeighbors(
        self, dataset: Dataset, key: Vector, count: int, distance_column: str = "distCol"
    ) -> pa.Table:
        """The nearest rows among those that share a hash with the key, the nearest first."""
        require(count > 0, "The number of nearest neighbors cannot be less than 1")
        table = self._hashed(dataset)
        cells = table[self.params["inputCol"]].combine_chunks()
        one = dense_column(np.asarray(key.toArray()).reshape(1, -1))
        near = np.flatnonzero((self.hashes(cells) == self.hashes(one)).any(axis=1))
        cells = cells.take(pa.array(near))
        far = self.distances(cells, one.take(pa.array(np.zeros(len(near), dtype=np.int64))))
        order = np.argsort(far, kind="stable")[:count]
        nearest = table.take(pa.array(near[order]))
        return nearest.append_column(pa.field(distance_column, pa.float64()), pa.array(far[order]))

    @attribute
    def approxSimilarityJoin(
        self, left: Dataset, right: Dataset, threshold: float, distance_column: str = "distCol"
    ) -> pa.Table:
        """Pairs of rows that share a hash and are nearer than the threshold."""
        tables = self._hashed(left), self._hashed(right)
        columns = [table[self.params["inputCol"]].combine_chunks() for table in tables]
        first, second = _sharing(*(self.hashes(cells) for cells in columns))
        far = self.distances(columns[0].take(pa.array(first)), columns[1].take(pa.array(second)))
        near = far < threshold
        structs = [
            pa.chunked_array([table.take(pa.array(rows[near])).to_struct_array().combine_chunks()])
            for table, rows in zip(tables, (first, second), strict=True)
        ]
        names = ["datasetA", "datasetB", distance_column]
        return pa.table([*structs, pa.array(far[near])], names=names)

    def _hashed(self, dataset: Dataset) -> pa.Table:
        names = dataset.schema.names
        table = dataset.table(names)
        if self.params["outputCol"] in names:
            return table
        cells = table[self.params["inputCol"]].combine_chunks()
        return table.append_column(self.params["outputCol"], _lists(self.hashes(cells)))


class MinHashLSHModel(_HashingModel):
    """The least of a random permutation of the places that are not zero."""

    class_name = "org.apache.spark.ml.feature.MinHashLSHModel"

    def __init__(self, params: Params, coefficients: np.ndarray) -> None:
        super().__init__(params)
        self.coefficients = coefficients

    def hashes(self, cells: pa.StructArray) -> np.ndarray:
        matrix = as_csr(cells).copy()
        matrix.eliminate_zeros()
        if (np.diff(matrix.indptr) == 0).any():
            reason = (
                "java.lang.IllegalArgumentException: requirement failed: Must have at least 1 non zero entry."
            )
            raise failed_function("MinHashLSHModel", reason, of=VECTOR_TYPE_NAME, to="array<vector>")
        places = 1 + matrix.indices.astype(np.int64)
        found = [
            np.minimum.reduceat((places * a + b) % PRIME, matrix.indptr[:-1]) if len(cells) else np.zeros(0)
            for a, b in self.coefficients.tolist()
        ]
        return np.column_stack(found).astype(np.float64)

    def distances(self, left: pa.StructArray, right: pa.StructArray) -> np.ndarray:
        first, second = (as_dense(cells) != 0 for cells in (left, right))
        if not len(left):
            return np.zeros(0)
        return 1.0 - (first & second).sum(axis=1) / (first | second).sum(axis=1)

    def data(self) -> pa.Table:
        flat = self.coefficients.ravel().tolist()
        return pa.table({"randCoefficients": pa.array([flat], pa.list_(pa.int32()))})

    @classmethod
    def from_data(cls, params: Params, metadata: dict[str, Any], data: pa.Table) -> Self:
        return cls(params, np.array(data["randCoefficients"][0].as_py(), dtype=np.int64).reshape(-1, 2))


class BucketedRandomProjectionLSHModel(_HashingModel):
    """The bucket in which a vector falls, seen from a random direction."""

    class_name = "org.apache.spark.ml.feature.BucketedRandomProjectionLSHModel"

    def __init__(self, params: Params, directions: np.ndarray) -> None:
        super().__init__(params)
        self.directions = directions

    def hashes(self, cells: pa.StructArray) -> np.ndarray:
        if not len(cells):
            return np.zeros((0, len(self.directions)))
        return np.floor(as_dense(cells) @ self.directions.T / self.params["bucketLength"])

    def distances(self, left: pa.StructArray, right: pa.StructArray) -> np.ndarray:
        return np.sqrt(((as_dense(left) - as_dense(right)) ** 2).sum(axis=1)) if len(left) else np.zeros(0)

    def data(self) -> pa.Table:
        return pa.table({"randUnitVectors": matrix_column(self.directions)})

    @classmethod
    def from_data(cls, params: Params, metadata: dict[str, Any], data: pa.Table) -> Self:
        return cls(params, matrix_of(data["randUnitVectors"][0].as_py()))


class _Hashing(Estimator):
    """Learns nothing but the size of the vectors; the rest is chance, from the seed."""

    def output_schema(self, schema: StructType) -> StructType:
        return _output_schema(self.params, schema)

    def _size(self, dataset: Dataset) -> int:
        for cells in vector_batches(dataset, self.params["inputCol"]):
            return int(sizes(cells)[0])
        raise NoSuchElementException(None, "head of empty array")


class MinHashLSH(_Hashing):
    """Random permutations."""

    valid = {"numHashTables": lambda count: count >= 1}

    def fit(self, dataset: Dataset) -> MinHashLSHModel:
        size = self._size(dataset)
        require(size <= PRIME, f"The input vector dimension {size} exceeds the threshold {PRIME}.")
        chance = JavaRandom(self.params["seed"])
        count = self.params["numHashTables"]
        pairs = [(1 + chance.next_int(PRIME - 1), chance.next_int(PRIME - 1)) for _ in range(count)]
        return MinHashLSHModel(self.params, np.array(pairs, dtype=np.int64))


class BucketedRandomProjectionLSH(_Hashing):
    """Random directions of length 1."""

    valid = {"numHashTables": lambda count: count >= 1, "bucketLength": lambda length: length > 0}

    def fit(self, dataset: Dataset) -> BucketedRandomProjectionLSHModel:
        size = self._size(dataset)
        chance = JavaRandom(self.params["seed"])
        numbers = [chance.next_gaussian() for _ in range(self.params["numHashTables"] * size)]
        directions = np.array(numbers).reshape(-1, size)
        directions /= np.linalg.norm(directions, axis=1, keepdims=True)
        return BucketedRandomProjectionLSHModel(self.params, directions)


def _output_schema(params: Params, schema: StructType) -> StructType:
    check_vector(schema, params["inputCol"])
    check_new(schema, params["outputCol"], word="Column")
    return StructType([*schema.fields, StructField(params["outputCol"], ArrayType(VectorUDT(), True), True)])


def _lists(hashes: np.ndarray) -> pa.ListArray:
    rows, tables = hashes.shape
    vectors = dense_column(hashes.reshape(-1, 1))
    offsets = pa.array(np.arange(rows + 1, dtype=np.int32) * np.int32(tables))
    return pa.ListArray.from_arrays(offsets, vectors, type=pa.list_(VECTOR))


def _sharing(left: np.ndarray, right: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows of both sides that have a hash in common, each pair once."""
    pairs: list[np.ndarray] = []
    for table in range(left.shape[1]):
        sides = [
            pa.table({"hash": hashes[:, table], name: np.arange(len(hashes))})
            for hashes, name in ((left, "left"), (right, "right"))
        ]
        joined = sides[0].join(sides[1], "hash", join_type="inner")
        pairs.append(np.column_stack([joined["left"].to_numpy(), joined["right"].to_numpy()]))
    found = np.unique(np.concatenate(pairs), axis=0)
    return found[:, 0], found[:, 1]
