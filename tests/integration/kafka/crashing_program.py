"""A program that kills its own process at a chosen moment of a chosen batch: SERVERS FOLDER POINT BATCH.

Topic to topic, exactly once, three records a batch. The moments are the seams between Kafka and disk.
"""

import os
import signal
import sys
from typing import Any

from pyspark.sql import SparkSession

from cauce.checkpoint.commit_log import CommitLog
from cauce.checkpoint.offset_log import OffsetLog
from cauce.kafka import KafkaWriter
from cauce.kafka.client import Sender

POINTS = {
    "offsets are logged": (OffsetLog, "add"),
    "rows are sent": (KafkaWriter, "flush"),
    "the transaction is committed": (Sender, "transact"),
    "the batch is committed": (CommitLog, "add"),
}


def main(servers: str, folder: str, point: str, batch: str) -> None:
    if point:
        die(point, int(batch))
    spark = SparkSession.builder.getOrCreate()
    options = {"kafka.bootstrap.servers": servers}
    source = spark.readStream.format("kafka").options(**options, subscribe="in", maxOffsetsPerTrigger=3)
    df = source.option("startingOffsets", "earliest").load().selectExpr("value")
    sink = df.writeStream.format("kafka").options(**options, topic="out").option("cauce.exactlyOnce", "true")
    query = sink.option("checkpointLocation", folder).trigger(availableNow=True).start()
    query.awaitTermination()
    print("done")


def die(point: str, batch: int) -> None:
    """Before (even batches) or after (odd ones) the step is done for the batch-th time."""
    owner, name = POINTS[point]
    step, calls = getattr(owner, name), [0]

    def stepping(*arguments: Any) -> Any:
        calls[0] += 1
        if calls[0] == batch + 1 and batch % 2 == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        answer = step(*arguments)
        if calls[0] == batch + 1:
            os.kill(os.getpid(), signal.SIGKILL)
        return answer

    setattr(owner, name, stepping)


main(*sys.argv[1:])
