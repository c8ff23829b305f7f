"""What transformWithState answers to modes, names and calls that Spark refuses."""

from collections.abc import Callable, Iterator
from pathlib import Path

from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.streaming.stateful_processor import StatefulProcessor, StatefulProcessorHandle
from verbs import Events, outcome, rocks_db

OUT = "value string, time timestamp"


class Does(StatefulProcessor):
    """Does one thing in init() and another with the rows; forgives nothing."""

    def __init__(self, at_init: Callable | None = None, with_rows: Callable | None = None) -> None:
        self.at_init, self.with_rows = at_init, with_rows

    def init(self, handle: StatefulProcessorHandle) -> None:
        self.handle = handle
        self.count = handle.getValueState("count", "n long")
        self.items = handle.getListState("items", "n long")
        if self.at_init is not None:
            self.at_init(handle)

    def handleInputRows(self, key, rows, timerValues) -> Iterator[Row]:
        found = list(rows)
        if self.with_rows is not None:
            self.with_rows(self)
        yield Row(value=key[0], time=found[0].time)


def fail(processor: Does) -> None:
    raise ValueError("no luck")


def run(spark: SparkSession, directory: Path):
    events = Events(spark, directory / "in")
    events.add((1, "a"), (20, "b"))
    plain, timed = events.frame, events.with_watermark("5 seconds")

    def state(
        frame: DataFrame = plain, processor: Does | None = None, output="Update", time="None", **options
    ) -> DataFrame:
        return frame.groupBy("value").transformWithState(processor or Does(), OUT, output, time, **options)

    def start(frame: DataFrame, mode: str = "update") -> None:
        frame.writeStream.format("noop").outputMode(mode).trigger(
            availableNow=True
        ).start().awaitTermination()

    def counted(frame: DataFrame) -> DataFrame:
        return frame.groupBy(F.window("time", "10 seconds")).count()

    modes = {
        "unknown time mode": lambda: state(time="Sometimes").schema,
        "unknown output mode": lambda: state(output="Sometimes").schema,
        "complete": lambda: start(state(output="Complete"), "complete"),
        "append of update": lambda: start(state(output="Append"), "update"),
        "update of append": lambda: start(state(output="Update"), "append"),
        "event time without watermark": lambda: start(state(time="EventTime")),
        "event time column without watermark": lambda: start(
            state(eventTimeColumnName="time", output="Append"), "append"
        ),
        "unknown event time column": lambda: state(timed, eventTimeColumnName="nothing").schema,
        "aggregated in update": lambda: start(
            counted(state(timed, time="EventTime", eventTimeColumnName="time")), "update"
        ),
        "aggregated in append": lambda: start(
            counted(state(timed, time="EventTime", output="Append", eventTimeColumnName="time")), "append"
        ),
        "aggregated without event time": lambda: start(counted(state(timed, output="Append")), "append"),
        "processing time aggregated": lambda: start(
            counted(state(timed, time="ProcessingTime", output="Append", eventTimeColumnName="time")),
            "append",
        ),
        "after an aggregation": lambda: start(
            counted(timed)
            .withColumn("value", F.lit("a"))
            .groupBy("value")
            .transformWithState(Does(), OUT, "Append", "None"),
            "append",
        ),
        "twice": lambda: start(state(state(timed, output="Append"), output="Append"), "append"),
    }
    calls = {
        "timer without time mode": Does(with_rows=lambda p: p.handle.registerTimer(1)),
        "deleted timer without time mode": Does(with_rows=lambda p: p.handle.deleteTimer(1)),
        "state after init": Does(with_rows=lambda p: p.handle.getValueState("late", "n long")),
        "timer in init": Does(at_init=lambda handle: handle.registerTimer(1)),
        "state used in init": Does(at_init=lambda handle: handle.getValueState("x", "n long").get()),
        "same name twice": Does(at_init=lambda handle: handle.getValueState("count", "n long")),
        "same name for a list": Does(at_init=lambda handle: handle.getListState("count", "n long")),
        "ttl without processing time": Does(at_init=lambda handle: handle.getValueState("x", "n long", 1000)),
        "schema of nonsense": Does(at_init=lambda handle: handle.getValueState("x", "n nonsense")),
        "name with a dollar": Does(at_init=lambda handle: handle.getValueState("$x", "n long")),
        "name with an underscore": Does(at_init=lambda handle: handle.getValueState("_x", "n long")),
        "empty name": Does(at_init=lambda handle: handle.getValueState("", "n long")),
        "name of spaces": Does(at_init=lambda handle: handle.getValueState(" x ", "n long")),
        "name default": Does(at_init=lambda handle: handle.getValueState("default", "n long")),
        "unknown deleted": Does(at_init=lambda handle: handle.deleteIfExists("nothing")),
        "too many values": Does(with_rows=lambda p: p.count.update((1, 2))),
        "number alone": Does(with_rows=lambda p: p.count.update(1)),
        "null as state": Does(with_rows=lambda p: p.count.update(None)),
        "empty list": Does(with_rows=lambda p: p.items.put([])),
        "empty list appended": Does(with_rows=lambda p: p.items.appendList([])),
        "null in a list": Does(with_rows=lambda p: p.items.appendValue(None)),
        "error of the user": Does(with_rows=fail),
    }
    with rocks_db(spark, no_data_batches=False):
        found = {name: outcome(action) for name, action in modes.items()}
        found |= {name: outcome(lambda: start(state(processor=p))) for name, p in calls.items()}  # noqa: B023
        ttl = {f"ttl {ms}": ms for ms in (0, -1)}
        for name, ms in ttl.items():
            processor = Does(at_init=lambda handle, ms=ms: handle.getValueState("x", "n long", ms))
            found[name] = outcome(lambda: start(state(processor=processor, time="ProcessingTime")))  # noqa: B023
    return found
