"""A listener hears a query start, progress and end, with and without an error."""

import time
from pathlib import Path

from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from pyspark.sql.streaming import StreamingQueryListener
from verbs import Events


class Notes(StreamingQueryListener):
    def __init__(self) -> None:
        self.heard: list = []

    def onQueryStarted(self, event):  # noqa: N802
        self.heard.append(["started", event.name, event.timestamp.endswith("Z")])

    def onQueryProgress(self, event):  # noqa: N802
        if event.progress.numInputRows:
            self.heard.append(
                ["progress", event.progress.name, event.progress.batchId, event.progress.numInputRows]
            )

    def onQueryIdle(self, event):  # noqa: N802
        pass

    def onQueryTerminated(self, event):  # noqa: N802
        self.heard.append(["terminated", event.exception is not None])


def run(spark: SparkSession, directory: Path):
    notes = Notes()
    spark.streams.addListener(notes)
    events = Events(spark, directory / "in")
    events.add((1, "a"), (2, "b"))
    good = events.frame.writeStream.format("noop").queryName("good").trigger(availableNow=True).start()
    good.awaitTermination()
    wait_for(notes, 1)
    fails = events.frame.select(F.raise_error(F.concat(F.lit("I broke at "), "value")))
    bad = fails.writeStream.format("noop").queryName("bad").trigger(availableNow=True).start()
    try:
        bad.awaitTermination()
        message = None
    except Exception as error:
        message = "I broke" in str(error)
    wait_for(notes, 2)
    spark.streams.removeListener(notes)
    heard = len(notes.heard)
    events.frame.writeStream.format("noop").trigger(availableNow=True).start().awaitTermination()
    return {"heard": notes.heard, "message": message, "after removal": len(notes.heard) - heard}


def wait_for(notes: Notes, terminations: int) -> None:
    deadline = time.monotonic() + 30
    while sum(note[0] == "terminated" for note in notes.heard) < terminations and time.monotonic() < deadline:
        time.sleep(0.01)
