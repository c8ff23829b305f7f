"""A changed processor on its old state: what Spark lets it continue with, and what it refuses."""

from collections.abc import Iterator
from pathlib import Path

from pyspark.sql import Row, SparkSession
from pyspark.sql.streaming.stateful_processor import StatefulProcessor, StatefulProcessorHandle
from verbs import Events, outcome, rocks_db, turn

OUT = "value string, answer string"


class Declared(StatefulProcessor):
    """State variables as declared: (kind, name, *schemas). Rows add to each and show it."""

    def __init__(self, *declared: tuple, forget: tuple = ()) -> None:
        self.declared, self.forget = declared, forget

    def init(self, handle: StatefulProcessorHandle) -> None:
        kinds = {"value": handle.getValueState, "list": handle.getListState, "map": handle.getMapState}
        for name in self.forget:
            handle.deleteIfExists(name)
        self.states = [(kind, name, kinds[kind](name, *rest)) for kind, name, *rest in self.declared]

    def handleInputRows(self, key, rows, timerValues) -> Iterator[Row]:
        count = len(list(rows))
        for kind, name, state in self.states:
            match kind:
                case "value":
                    before = state.get()
                    state.update(((before or (0,))[0] + count,))
                    yield Row(value=key[0], answer=f"{name} {before}")
                case "list":
                    before = sorted(state.get())
                    state.appendValue((count,))
                    yield Row(value=key[0], answer=f"{name} {before}")
                case "map":
                    before = sorted(map(tuple, state.keys()))
                    state.updateValue((count,), (count,))
                    yield Row(value=key[0], answer=f"{name} {before}")


COUNT = ("value", "count", "n long")
ITEMS = ("list", "items", "n long")
PARTS = ("map", "parts", "k long", "n long")

CHANGES = {
    "same": [Declared(COUNT, ITEMS, PARTS)],
    "one more, then back": [Declared(COUNT, ITEMS, PARTS, ("value", "more", "n long")), Declared(COUNT)],
    "one less, then back": [Declared(COUNT), Declared(COUNT, ITEMS, PARTS)],
    "deleted, then back": [Declared(COUNT, forget=("items", "parts", "no")), Declared(COUNT, ITEMS, PARTS)],
    "other order": [Declared(PARTS, ITEMS, COUNT)],
    "field renamed": [Declared(("value", "count", "m long"), ITEMS, PARTS)],
    "field added": [Declared(("value", "count", "n long, m long"), ITEMS, PARTS)],
    "type changed": [Declared(("value", "count", "n string"), ITEMS, PARTS)],
    "type widened": [Declared(COUNT, ITEMS, ("map", "parts", "k long", "n double"))],
    "map key changed": [Declared(COUNT, ITEMS, ("map", "parts", "k int", "n long"))],
    "kind changed": [Declared(("list", "count", "n long"), ITEMS, PARTS)],
    "kind of list changed": [Declared(COUNT, ("value", "items", "n long"), PARTS)],
    "with ttl": [Declared(("value", "count", "n long", 3_600_000), ITEMS, PARTS)],
}


def run(spark: SparkSession, directory: Path):
    found = {}
    with rocks_db(spark, no_data_batches=False):
        for number, (name, processors) in enumerate(CHANGES.items()):
            found[name] = history(spark, directory / str(number), processors)
        found["other time mode"] = settings(spark, directory / "time", "Update", "EventTime")
        found["other output mode"] = settings(spark, directory / "output", "Append", "ProcessingTime")
        found["other keys"] = other_keys(spark, directory / "keys")
    return found


def history(spark: SparkSession, directory: Path, processors: list[Declared]) -> list:
    events = Events(spark, directory / "in")
    told = []
    for processor in (Declared(COUNT, ITEMS, PARTS), *processors):
        events.add((1, "a"), (2, "b"), (3, "a"))
        answer = events.frame.groupBy("value").transformWithState(processor, OUT, "Append", "ProcessingTime")
        told.append(outcome(lambda: turn(answer, directory)))  # noqa: B023 - called at once
    return told


def settings(spark: SparkSession, directory: Path, output_mode: str, time_mode: str) -> list:
    events = Events(spark, directory / "in")
    told = []
    for output, time in (("Update", "ProcessingTime"), (output_mode, time_mode)):
        events.add((1, "a"))
        keyed = events.with_watermark("1 second").groupBy("value")
        answer = keyed.transformWithState(Declared(COUNT), OUT, output, time)
        writer = answer.writeStream.format("noop").outputMode(output.lower())
        writer = writer.option("checkpointLocation", str(directory / "checkpoint"))
        told.append(outcome(lambda: writer.trigger(availableNow=True).start().awaitTermination()))  # noqa: B023
    return told


def other_keys(spark: SparkSession, directory: Path) -> list:
    events = Events(spark, directory / "in")
    told = []
    for key in ("value", "second"):
        events.add((1, "a"))
        keyed = events.frame.groupBy(key)
        answer = keyed.transformWithState(Declared(COUNT), OUT, "Append", "ProcessingTime")
        told.append(outcome(lambda: turn(answer, directory)))  # noqa: B023 - called at once
    return told
