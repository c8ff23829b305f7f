"""What the client asks of a server by name, outside of stages: default stop words, models of given words."""

from collections.abc import Callable, Sequence
from typing import Any

from cauce.ml.feature.count_vectorizer import CountVectorizerModel
from cauce.ml.feature.stop_words import default_stop_words
from cauce.ml.feature.string_indexer import StringIndexerModel
from cauce.ml.params import Params

__all__ = ["FUNCTIONS"]

PACKAGE = "org.apache.spark.ml.feature"


def count_vectorizer_model(uid: str, vocabulary: Sequence[str]) -> CountVectorizerModel:
    """A model of a vocabulary that was not learnt here."""
    return CountVectorizerModel(Params(f"{PACKAGE}.CountVectorizer", uid), vocabulary)


def string_indexer_model(uid: str, labels: Sequence[str]) -> StringIndexerModel:
    """A model of the labels of one column."""
    return string_indexer_model_of_many(uid, [labels])


def string_indexer_model_of_many(uid: str, labels: Sequence[Sequence[str]]) -> StringIndexerModel:
    """A model of the labels of many columns."""
    return StringIndexerModel(Params(f"{PACKAGE}.StringIndexer", uid), labels)


def default_locale() -> str:
    """The locale of lower case; a JVM takes its machine's."""
    return "en_US"


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "countVectorizerModelFromVocabulary": count_vectorizer_model,
    "stopWordsRemoverGetDefaultOrUS": default_locale,
    "stopWordsRemoverLoadDefaultStopWords": default_stop_words,
    "stringIndexerModelFromLabels": string_indexer_model,
    "stringIndexerModelFromLabelsArray": string_indexer_model_of_many,
}
