"""PySpark's own TwsTester beside a query: the same processor, the same rows, the same answers."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
from pyspark.sql import Row, SparkSession
from pyspark.sql.streaming.stateful_processor import StatefulProcessor, StatefulProcessorHandle
from pyspark.sql.streaming.tws_tester import TwsTester
from verbs import Events, answers, rocks_db


class TopWords(StatefulProcessor):
    """How often each word was seen, the words in order, and the total."""

    def init(self, handle: StatefulProcessorHandle) -> None:
        self.total = handle.getValueState("total", "n long")
        self.order = handle.getListState("order", "word string")
        self.counts = handle.getMapState("counts", "word string", "n long")

    def add(self, word: str) -> None:
        self.total.update(((self.total.get() or (0,))[0] + 1,))
        if not self.counts.containsKey((word,)):
            self.order.appendValue((word,))
        self.counts.updateValue((word,), ((self.counts.getValue((word,)) or (0,))[0] + 1,))

    def answer(self, key) -> dict:
        words = [word for (word,) in self.order.get()]
        counts = {tuple(k)[0]: tuple(v)[0] for k, v in self.counts.iterator()}
        return {
            "key": str(key[0]),
            "total": self.total.get()[0],
            "words": " ".join(f"{word}={counts[word]}" for word in words),
        }

    def handleInputRows(self, key, rows, timerValues) -> Iterator[Row]:
        for row in rows:
            self.add(row.word)
        yield Row(**self.answer(key))


class TopWordsInPandas(TopWords):
    def handleInputRows(self, key, rows, timerValues) -> Iterator[pd.DataFrame]:
        for frame in rows:
            for word in frame["word"]:
                self.add(word)
        yield pd.DataFrame([self.answer(key)])


BATCHES = [["x:a", "x:b", "y:a"], ["x:a"], ["y:c", "x:b", "x:c"]]


def run(spark: SparkSession, directory: Path):
    schema = "key string, total long, words string"

    def in_rows(events: Events):
        return split(events).groupBy("key").transformWithState(TopWords(), schema, "Update", "None")

    def in_pandas(events: Events):
        grouped = split(events).groupBy("key")
        return grouped.transformWithStateInPandas(TopWordsInPandas(), schema, "Update", "None")

    batches = [list(enumerate(batch)) for batch in BATCHES]
    with rocks_db(spark):
        return {
            "rows": answers(spark, directory / "rows", in_rows, batches, "update"),
            "pandas": answers(spark, directory / "pandas", in_pandas, batches, "update"),
            "tester": tested(),
            "tester in pandas": tested_in_pandas(),
        }


def split(events: Events):
    return events.frame.selectExpr("split_part(value, ':', 1) AS key", "split_part(value, ':', 2) AS word")


def tested() -> list:
    tester = TwsTester(TopWords())
    return [
        sorted((list(row) for key, words in keyed(batch) for row in tester.test(key, words)), key=repr)
        for batch in BATCHES
    ]


def tested_in_pandas() -> list:
    tester = TwsTester(TopWordsInPandas())
    found = []
    for batch in BATCHES:
        frames = [
            tester.testInPandas(key, pd.DataFrame([r.asDict() for r in rows])) for key, rows in keyed(batch)
        ]
        found.append(sorted((row for frame in frames for row in frame.values.tolist()), key=repr))
    return found


def keyed(batch: list[str]) -> list[tuple[str, list[Row]]]:
    words: dict[str, list[Row]] = {}
    for item in batch:
        key, word = item.split(":")
        words.setdefault(key, []).append(Row(key=key, word=word))
    return list(words.items())
