"""Lists of words as Arrow keeps them: one flat column of words, and where each row's begin."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql.types import ArrayType, StringType, StructField, StructType

from cauce.errors import SparkError
from cauce.ml.columns import check_new, column, failed_function, field_of, require

__all__ = ["Words", "check_words", "gathered_words", "lower", "words_field", "words_of"]


@dataclass(frozen=True)
class Words:
    """`offsets` has one entry more than there are rows."""

    flat: pa.Array
    offsets: np.ndarray

    @property
    def rows(self) -> np.ndarray:
        """The row of each word."""
        return np.repeat(np.arange(len(self.offsets) - 1), np.diff(self.offsets))

    def where(self, keep: np.ndarray) -> "Words":
        """Without the words that are not marked; rows stay."""
        before = np.concatenate([[0], np.cumsum(keep)])
        return Words(self.flat.filter(pa.array(keep)), before[self.offsets])

    def column(self) -> pa.Array:
        """The lists."""
        return pa.ListArray.from_arrays(pa.array(self.offsets.astype(np.int32)), self.flat.cast(pa.string()))


def words_of(batch: pa.RecordBatch, schema: StructType, name: str, stage: str) -> Words:
    """A column of lists in which no list is missing; Spark's functions fail on those."""
    lists = column(batch, schema, name)
    if lists.null_count:
        raise failed_function(stage, "java.lang.NullPointerException", of="array<string>", to="array<string>")
    offsets = lists.offsets.to_numpy().astype(np.int64)
    return Words(lists.flatten(), offsets - offsets[0] if len(offsets) else np.zeros(1, dtype=np.int64))


def gathered_words(lists: pa.Array) -> Words:
    """Lists to learn from, in which nothing is missing; Spark's estimators fail on what is."""
    offsets = lists.offsets.to_numpy().astype(np.int64)
    words = Words(lists.flatten(), offsets - offsets[0] if len(offsets) else np.zeros(1, dtype=np.int64))
    if lists.null_count or words.flat.null_count:
        raise SparkError(None, "java.lang.NullPointerException")
    return words


def check_words(schema: StructType, name: str) -> StructField:
    """The field, refused unless it holds lists of words."""
    field = field_of(schema, name)
    kind = field.dataType
    require(
        isinstance(kind, ArrayType) and isinstance(kind.elementType, StringType),
        f"Column {name} must be of type equal to one of the following types: [array<string>, array<string>] "
        f"but was actually of type {kind.simpleString()}.",
    )
    return field


def words_field(schema: StructType, name: str) -> StructType:
    """The schema with a column of words at its end."""
    check_new(schema, name, required=False)
    return StructType([*schema.fields, StructField(name, ArrayType(StringType(), True), True)])


def lower(texts: pa.Array, language: str = "") -> pa.Array:
    """Java's toLowerCase: some letters depend on their neighbours or on the language."""
    texts = texts.cast(pa.string())
    if language in ("tr", "az"):
        texts = pc.replace_substring(pc.replace_substring(texts, "İ", "i"), "I", "ı")
    plain = pc.string_is_ascii(texts)
    if pc.all(plain).as_py() is not False:
        return pc.ascii_lower(texts)
    # Arrow lowers letter by letter: texts with other letters take a loop, once for each distinct text.
    codes = texts.dictionary_encode()
    lowered = [text.lower() for text in codes.dictionary.to_pylist()]
    return pa.array(lowered, pa.string()).take(codes.indices)
