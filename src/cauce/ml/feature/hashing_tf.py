"""HashingTF: how often each term occurs, at the place its hash gives."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import scipy.sparse as sp
from pyspark.ml.linalg import VectorUDT
from pyspark.sql.types import ArrayType, StructField, StructType

from cauce.ml.attributes import AttributeGroup
from cauce.ml.columns import appended, check_new, field_of, require
from cauce.ml.feature.words import words_of
from cauce.ml.murmur3 import SEED, hash_ints, hash_longs, hash_strings, non_negative_mod
from cauce.ml.stage import Transformer
from cauce.ml.vectors import sparse_column

__all__ = ["HashingTF", "counted"]


class HashingTF(Transformer):
    """Terms may be words, numbers or truths; a missing one has the hash of nothing."""

    valid = {"numFeatures": lambda count: count > 0}

    def output_schema(self, schema: StructType) -> StructType:
        kind = field_of(schema, self.params["inputCol"]).dataType
        require(
            isinstance(kind, ArrayType), f"The input column must be array, but got {kind.simpleString()}."
        )
        check_new(schema, self.params["outputCol"])
        metadata = AttributeGroup(count=self.params["numFeatures"]).metadata()
        return StructType(
            [*schema.fields, StructField(self.params["outputCol"], VectorUDT(), True, metadata)]
        )

    def transform(self, batch: pa.RecordBatch, schema: StructType) -> pa.RecordBatch:
        words = words_of(batch, schema, self.params["inputCol"], "HashingTF")
        codes = words.flat.dictionary_encode()
        size = self.params["numFeatures"]
        places = (
            non_negative_mod(_hashes(codes.dictionary), size) if len(codes.dictionary) else np.zeros(0, int)
        )
        nothing = non_negative_mod(np.array([SEED]), size)
        found = np.concatenate([places, nothing])
        terms = found[pc.fill_null(codes.indices, len(places)).to_numpy(zero_copy_only=False)]
        vectors = counted(terms, words.offsets, size)
        if self.params["binary"]:
            vectors.data[:] = 1.0
        return appended(batch, {self.params["outputCol"]: sparse_column(vectors)})


def counted(
    places: np.ndarray, offsets: np.ndarray, size: int, weights: np.ndarray | None = None
) -> sp.csr_array:
    """Rows of how often each place occurs, or of the sums of its weights."""
    weights = np.ones(len(places)) if weights is None else weights
    vectors = sp.csr_array((weights, places, offsets), shape=(len(offsets) - 1, size))
    vectors.sum_duplicates()
    return vectors


def _hashes(terms: pa.Array) -> np.ndarray:
    """By the kind of term: a double by its 64 bits, smaller numbers and truths by 32."""
    kind = terms.type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return hash_strings(terms)
    if pa.types.is_boolean(kind):
        return hash_ints(terms.cast(pa.int32()).to_numpy(zero_copy_only=False))
    numbers = terms.to_numpy(zero_copy_only=False)
    if pa.types.is_floating(kind):
        wide = pa.types.is_float64(kind)
        bits = numbers.view(np.int64 if wide else np.int32)
        return hash_longs(bits) if wide else hash_ints(bits)
    return hash_longs(numbers) if pa.types.is_int64(kind) else hash_ints(numbers)
