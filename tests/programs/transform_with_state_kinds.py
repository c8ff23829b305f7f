"""Value, list and map state: every verb, values of many types, state that comes back in the next batch."""

import datetime
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pandas as pd
from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql.streaming.stateful_processor import StatefulProcessor, StatefulProcessorHandle
from pyspark.sql.types import ArrayType, LongType, StringType, StructField, StructType
from verbs import Events, answers, rocks_db

RICH = (
    "n int, x double, s string, b boolean, d date, t timestamp, m decimal(10,2), y binary, "
    "a array<int>, k map<string, long>, r struct<p int, q string>, z int"
)
RICH_VALUE = (
    7, 2.5, "é", True, datetime.date(2024, 2, 29), datetime.datetime(2024, 2, 29, 12, 30, 1, 250),
    Decimal("12.50"), b"\x00\xff", [1, None, 3], {"one": 1}, Row(p=1, q="q"), None,
)  # fmt: skip


class Words(StatefulProcessor):
    """Each value is `verb:arguments`, carried out on the state of the key before the first colon."""

    def init(self, handle: StatefulProcessorHandle) -> None:
        self.one = handle.getValueState("one", "count long, word string")
        items = StructType([StructField("item", StringType()), StructField("tags", ArrayType(LongType()))])
        self.many = handle.getListState("many", items)
        self.named = handle.getMapState("named", "name string, part int", "count long")
        self.rich = handle.getValueState("rich", RICH)

    def handleInputRows(self, key, rows, timerValues) -> Iterator[pd.DataFrame]:
        for frame in rows:
            for verb in frame["verb"]:
                yield pd.DataFrame({"key": [key[0]], "verb": [verb], "answer": [repr(self.do(verb))]})

    def do(self, verb: str):
        match verb.split(" "):
            case ["value", word]:
                count, _ = self.one.get() or (0, "")
                self.one.update((count + 1, word))
                return self.one.exists(), self.one.get()
            case ["value?"]:
                return self.one.exists(), self.one.get()
            case ["novalue"]:
                self.one.clear()
                return self.one.exists(), self.one.get()
            case ["append", item]:
                self.many.appendValue((item, [len(item)]))
            case ["extend", *items]:
                self.many.appendList([(item, None) for item in items])
            case ["put", *items]:
                self.many.put([(item, []) for item in items])
            case ["nolist"]:
                self.many.clear()
            case ["list?"]:
                return self.many.exists(), list(self.many.get())
            case ["set", name, part, count]:
                self.named.updateValue((name, int(part)), (int(count),))
            case ["get", name, part]:
                found = self.named.getValue((name, int(part)))
                return self.named.containsKey((name, int(part))), found and tuple(found)
            case ["unset", name, part]:
                self.named.removeKey((name, int(part)))
            case ["map?"]:
                pairs = sorted((tuple(k), tuple(v)) for k, v in self.named.iterator())
                return (
                    self.named.exists(),
                    pairs,
                    len(list(self.named.keys())),
                    len(list(self.named.values())),
                )
            case ["nomap"]:
                self.named.clear()
            case ["rich"]:
                self.rich.update(RICH_VALUE)
            case ["rich?"]:
                return tuple(bytes(v) if isinstance(v, bytearray) else v for v in self.rich.get())
        return None


def run(spark: SparkSession, directory: Path):
    def build(events: Events) -> DataFrame:
        parts = events.frame.selectExpr(
            "split_part(value, ':', 1) AS key", "split_part(value, ':', 2) AS verb"
        )
        words = parts.groupBy("key")
        return words.transformWithStateInPandas(
            Words(), "key string, verb string, answer string", "Update", "None"
        )

    turns = [
        ["value a", "value b", "list?", "map?", "append x", "extend y z", "rich", "rich?"],
        ["value?", "list?", "append w", "list?", "set n 1 10", "set n 2 20", "set m 1 30", "map?", "rich?"],
        ["novalue", "list?", "get n 2", "get n 3", "set n 2 21", "unset m 1", "map?"],
        ["value?", "list?", "map?", "list?", "put p q", "unset none 0", "get n 2"],
        ["value c", "list?", "nolist", "list?", "nomap", "map?", "set n 1 1"],
        ["value?", "list?", "map?"],
    ]
    batches = [[(i, f"k:{verb}") for i, verb in enumerate(turn)] for turn in turns]
    batches[1].append((99, "other:value o"))
    batches[3].append((99, "other:value?"))
    batches[3].append((99, "other:list?"))
    with rocks_db(spark):
        return answers(spark, directory / "events", build, batches, "update")
