"""foreach with a function, and with an object that opens and closes."""

from pathlib import Path

from pyspark.sql import Row, SparkSession
from verbs import Events


def run(spark: SparkSession, directory: Path):
    events = Events(spark, directory / "in")
    events.add((1, "a"), (2, "b"), (3, "c"))
    log = str(directory / "log")
    calls = str(directory / "calls")

    def note(row: Row) -> None:
        with open(log, "a") as file:
            file.write(f"{row.value} {row.second}\n")

    class Writer:
        def open(self, partition_id: int, epoch_id: int) -> bool:
            self.lines = [f"open {epoch_id}"]
            return True

        def process(self, row: Row) -> None:
            self.lines.append(row["value"])

        def close(self, error: Exception | None) -> None:
            with open(calls, "a") as file:
                file.write("\n".join([*self.lines, f"close {error}"]) + "\n")

    for target in (note, Writer()):
        query = events.frame.coalesce(1).writeStream.foreach(target).trigger(availableNow=True).start()
        query.awaitTermination()
    return {"rows": sorted(Path(log).read_text().splitlines()), "calls": Path(calls).read_text().splitlines()}
