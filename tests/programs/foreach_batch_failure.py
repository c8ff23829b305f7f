"""A foreachBatch that fails: the query ends with the user's own error, and the next run repeats the batch."""

from pathlib import Path

from pyspark.errors import StreamingQueryException
from pyspark.sql import DataFrame, SparkSession
from verbs import Events, sorted_rows


def run(spark: SparkSession, directory: Path):
    events = Events(spark, directory / "in", maxFilesPerTrigger="1")
    events.add((1, "a"))
    events.add((2, "b"))
    out, broken = str(directory / "out"), directory / "broken"
    broken.touch()

    def keep(batch: DataFrame, batch_id: int) -> None:
        if batch_id == 1 and broken.exists():
            raise ValueError("the second batch does not please me")
        batch.selectExpr("value", f"{batch_id} AS batch_id").write.mode("append").json(out)

    writer = events.frame.writeStream.foreachBatch(keep).option(
        "checkpointLocation", str(directory / "checkpoint")
    )
    query = writer.trigger(availableNow=True).start()
    try:
        query.awaitTermination()
        message = "no error"
    except StreamingQueryException as error:
        message = "ValueError: the second batch does not please me" in str(error)
    failed = query.exception() is not None
    broken.unlink()
    events.add((3, "c"))
    writer.trigger(availableNow=True).start().awaitTermination()
    kept = sorted_rows(spark.read.schema("value string, batch_id int").json(out))
    return {"message": message, "failed": failed, "kept": kept}
