"""Tokenizer and RegexTokenizer: texts as lists of words. NGram: words as lists of runs of words."""

import re

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql.types import ArrayType, StringType, StructType

from cauce.errors import IllegalArgumentException
from cauce.ml.columns import appended, column, failed_function, field_of, require
from cauce.ml.feature.words import Words, lower, words_field, words_of
from cauce.ml.stage import Transformer

__all__ = ["NGram", "RegexTokenizer", "Tokenizer"]

SPACE = "[ \\t\\n\\x0B\\f\\r]"
"""What Java's \\s means."""
BEGIN, END = "\ue000", "\ue001"
"""Letters for private use, put around matches for a while."""


class Tokenizer(Transformer):
    """Lower case, split at every single white space; empty words at the end are left out."""

    def output_schema(self, schema: StructType) -> StructType:
        return _output_schema(self, schema)

    def transform(self, batch: pa.RecordBatch, schema: StructType) -> pa.RecordBatch:
        texts = lower(_texts(self, batch, schema))
        return appended(batch, {self.params["outputCol"]: _split(texts, SPACE).column()})


class RegexTokenizer(Transformer):
    """The pattern is what lies between words (`gaps`), or a word."""

    valid = {"minTokenLength": lambda length: length >= 0}

    def output_schema(self, schema: StructType) -> StructType:
        return _output_schema(self, schema)

    def transform(self, batch: pa.RecordBatch, schema: StructType) -> pa.RecordBatch:
        texts = _texts(self, batch, schema)
        texts = lower(texts) if self.params["toLowercase"] else texts.cast(pa.string())
        pattern = self.params["pattern"].replace("\\s", SPACE)
        words = _split(texts, pattern) if self.params["gaps"] else _matches(texts, pattern)
        if self.params["minTokenLength"]:
            words = words.where(_lengths(words.flat) >= self.params["minTokenLength"])
        return appended(batch, {self.params["outputCol"]: words.column()})


class NGram(Transformer):
    """Rows of fewer than n words have none."""

    valid = {"n": lambda n: n >= 1}

    def output_schema(self, schema: StructType) -> StructType:
        kind = field_of(schema, self.params["inputCol"]).dataType
        require(
            isinstance(kind, ArrayType) and isinstance(kind.elementType, StringType),
            f"Input type must be array<string> but got {kind.simpleString()}",
        )
        return words_field(schema, self.params["outputCol"])

    def transform(self, batch: pa.RecordBatch, schema: StructType) -> pa.RecordBatch:
        words = words_of(batch, schema, self.params["inputCol"], "NGram")
        n = self.params["n"]
        flat = pc.fill_null(words.flat.cast(pa.string()), "null")
        count = max(len(flat) - n + 1, 0)
        parts = [flat.slice(start, count) for start in range(n)]
        runs = pc.binary_join_element_wise(*parts, " ") if n > 1 else flat
        lengths = np.maximum(np.diff(words.offsets) - n + 1, 0)
        offsets = np.concatenate([[0], np.cumsum(lengths)])
        within = np.arange(offsets[-1]) - np.repeat(offsets[:-1], lengths)
        places = np.repeat(words.offsets[:-1], lengths) + within
        return appended(
            batch, {self.params["outputCol"]: Words(runs.take(pa.array(places)), offsets).column()}
        )


def _output_schema(stage: Transformer, schema: StructType) -> StructType:
    kind = field_of(schema, stage.params["inputCol"]).dataType
    message = f"Input type must be string type but got {kind.simpleString()}."
    require(isinstance(kind, StringType), message)
    return words_field(schema, stage.params["outputCol"])


def _texts(stage: Transformer, batch: pa.RecordBatch, schema: StructType) -> pa.Array:
    texts = column(batch, schema, stage.params["inputCol"])
    if texts.null_count:
        name = type(stage).__name__
        raise failed_function(name, "java.lang.NullPointerException", of="string", to="array<string>")
    return texts


def _split(texts: pa.Array, pattern: str) -> Words:
    """As Java's split: empty words at the end are left out, unless there is nothing to split at."""
    try:
        lists = pc.split_pattern_regex(texts, pattern)
    except pa.ArrowInvalid:
        lists = _by_python(texts, lambda found, text: re.split(found, text), pattern)
    flat, offsets = lists.flatten(), lists.offsets.to_numpy().astype(np.int64)
    offsets = offsets - offsets[0]
    lengths = np.diff(offsets)
    places = np.arange(len(flat)) - np.repeat(offsets[:-1], lengths)
    filled = pc.greater(pc.binary_length(flat), 0).to_numpy(zero_copy_only=False)
    rows = np.repeat(np.arange(len(lengths)), lengths)
    needed = np.zeros(len(lengths), dtype=np.int64)
    np.maximum.at(needed, rows[filled], places[filled] + 1)
    needed[lengths == 1] = 1
    return Words(flat, offsets).where(places < needed[rows])


def _matches(texts: pa.Array, pattern: str) -> Words:
    """The matches of each text, found by marking them and cutting the rest away."""
    try:
        marked = pc.replace_substring_regex(texts, f"({pattern})", f"{BEGIN}\\1{END}")
    except pa.ArrowInvalid:
        lists = _by_python(texts, lambda found, text: [m.group() for m in re.finditer(found, text)], pattern)
        return Words(lists.flatten(), lists.offsets.to_numpy().astype(np.int64))
    inner = pc.replace_substring_regex(marked, f"(?s)^[^{BEGIN}]*{BEGIN}|{END}[^{END}]*$", "")
    lists = pc.split_pattern_regex(inner, f"(?s){END}[^{BEGIN}]*{BEGIN}")
    words = Words(lists.flatten(), lists.offsets.to_numpy().astype(np.int64))
    none = pc.invert(pc.match_substring(marked, BEGIN)).to_numpy(zero_copy_only=False)
    return words.where(~none[words.rows])


def _by_python(texts: pa.Array, function, pattern: str) -> pa.Array:
    """For patterns RE2 does not know, such as looking around: a loop, once for each distinct text."""
    try:
        found = re.compile(pattern, re.ASCII)
    except re.error as error:
        raise IllegalArgumentException(None, str(error)) from error
    codes = texts.dictionary_encode()
    lists = [function(found, text) for text in codes.dictionary.to_pylist()]
    return pa.array(lists, pa.list_(pa.string())).take(codes.indices)


def _lengths(texts: pa.Array) -> np.ndarray:
    """As Java counts: letters beyond the basic plane are two."""
    pairs = pc.count_substring_regex(texts, "[\\x{10000}-\\x{10FFFF}]")
    return pc.add(pc.utf8_length(texts), pairs).to_numpy(zero_copy_only=False)
