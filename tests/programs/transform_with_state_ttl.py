"""State with a time to live: a millisecond, over by the next run, or an hour."""

from collections.abc import Iterator
from pathlib import Path

from pyspark.sql import Row, SparkSession
from pyspark.sql.streaming.stateful_processor import StatefulProcessor, StatefulProcessorHandle
from verbs import Events, rocks_db, turn

HOUR_MS = 3_600_000


class Memory(StatefulProcessor):
    def init(self, handle: StatefulProcessorHandle) -> None:
        self.values = [handle.getValueState(f"value{ms}", "v string", ms) for ms in (1, HOUR_MS)]
        self.lists = [handle.getListState(f"list{ms}", "v string", ms) for ms in (1, HOUR_MS)]
        self.maps = [handle.getMapState(f"map{ms}", "k string", "v string", ms) for ms in (1, HOUR_MS)]
        self.plain = handle.getValueState("plain", "v string")

    def handleInputRows(self, key, rows, timerValues) -> Iterator[Row]:
        seen = [row.word for row in rows]
        before = self.known()
        for word in seen:
            if word != "look":
                self.plain.update((word,))
                for value, items, mapped in zip(self.values, self.lists, self.maps, strict=True):
                    value.update((word,))
                    items.appendValue((word,))
                    mapped.updateValue((word,), (word * 2,))
        yield Row(key=key[0], before=repr(before), after=repr(self.known()))

    def known(self):
        return (
            self.plain.get(),
            [(value.exists(), value.get()) for value in self.values],
            [(items.exists(), list(items.get())) for items in self.lists],
            [(m.exists(), sorted(map(tuple, m.keys())), m.containsKey(("b",))) for m in self.maps],
        )


def run(spark: SparkSession, directory: Path):
    events = Events(spark, directory / "in")
    keyed = events.frame.selectExpr("split_part(value, ':', 1) AS key", "split_part(value, ':', 2) AS word")
    remembered = keyed.groupBy("key").transformWithState(
        Memory(), "key string, before string, after string", "Append", "ProcessingTime"
    )
    found = []
    with rocks_db(spark, no_data_batches=False):
        for words in (["x:a", "x:b"], ["x:b", "x:c"], ["y:look"], ["x:look"]):
            events.add(*enumerate(words))
            found.append(turn(remembered, directory))
    return found
