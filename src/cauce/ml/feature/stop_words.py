"""StopWordsRemover: lists of words without those that say little."""

import functools
import json
import re
from importlib import resources

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql.types import ArrayType, StringType, StructType

from cauce.ml.columns import appended, check_new, field_of, require
from cauce.ml.feature.many_columns import inputs_and_outputs
from cauce.ml.feature.words import lower, words_of
from cauce.ml.stage import Transformer

__all__ = ["StopWordsRemover", "default_stop_words"]

LANGUAGES = (
    "french spanish german finnish russian norwegian dutch danish hungarian italian swedish "
    "portuguese turkish english"
)


class StopWordsRemover(Transformer):
    """Words are compared in lower case, unless case matters. A missing word stays."""

    valid = {"locale": lambda name: re.fullmatch("[a-z]{2,3}(_[A-Z]{2})?(_.*)?", name) is not None}

    def output_schema(self, schema: StructType) -> StructType:
        fields = list(schema.fields)
        for source, target in self._columns():
            field = field_of(schema, source)
            kind = field.dataType
            message = f"Input type must be array<string> but got {kind.simpleString()}."
            require(isinstance(kind, ArrayType) and isinstance(kind.elementType, StringType), message)
            check_new(StructType(fields), target, word="Output Column")
            fields.append(type(field)(target, kind, True))
        return StructType(fields)

    def transform(self, batch: pa.RecordBatch, schema: StructType) -> pa.RecordBatch:
        stop = pa.array(self._stop_words(), pa.string())
        exact, language = self.params.values.get("caseSensitive", False), self._locale().partition("_")[0]
        stop = stop if exact else lower(stop, language)
        new = {}
        for source, target in self._columns():
            words = words_of(batch, schema, source, "StopWordsRemover")
            compared = words.flat.cast(pa.string()) if exact else lower(words.flat, language)
            found = pc.is_in(compared, value_set=stop).to_numpy(zero_copy_only=False)
            new[target] = words.where(np.logical_not(found)).column()
        return appended(batch, new)

    def _columns(self) -> list[tuple[str, str]]:
        case = str(self.params.values.get("caseSensitive", False)).lower()
        count = len(self._stop_words())
        details = f"numStopWords={count}, locale={self._locale()}, caseSensitive={case}"
        return inputs_and_outputs(self.params, shown=f"StopWordsRemover: uid={self.params.uid}, {details}")

    def _stop_words(self) -> list[str]:
        given = self.params.values.get("stopWords")
        return default_stop_words("english") if given is None else given

    def _locale(self) -> str:
        return self.params.values.get("locale", "en")


def default_stop_words(language: str) -> list[str]:
    """The words that Spark ships for a language."""
    names = LANGUAGES.split()
    message = f"{language} is not in the supported language list: {', '.join(names)}."
    require(language in names, message)
    return _shipped()[language]


@functools.cache
def _shipped() -> dict[str, list[str]]:
    return json.loads(resources.files("cauce.ml.feature").joinpath("stop_words.json").read_text("utf-8"))
