"""W Word count over a socket, and what a stream refuses.

nc -lk 9999                                      # in one terminal, then type words
cauce run examples/cookbook/word_count.py 9999   # in another
cauce run examples/cookbook/word_count.py        # or on two lines of its own
"""

import socket
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from kitchen import cook
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

LINES = "To be or not to be\nthat is the question\n"


def recipe(spark: SparkSession, folder: Path) -> dict:
    with served(LINES) as port:
        lines = socket_lines(spark, port)
        return {
            "words": sorted(counted(word_count(lines))),
            "lower case, most frequent first": counted(frequent_words(lines)),
            "refused": refusals(lines),
        }


def socket_lines(spark: SparkSession, port: int) -> DataFrame:
    return spark.readStream.format("socket").option("host", "localhost").option("port", port).load()


def word_count(lines: DataFrame) -> DataFrame:
    words = lines.select(F.explode(F.split("value", " ")).alias("word"))
    return words.groupBy("word").count()


def frequent_words(lines: DataFrame) -> DataFrame:
    words = word_count(lines.select(F.lower("value").alias("value")))
    return words.orderBy(F.desc("count"), "word")


def counted(words: DataFrame) -> list:
    """The counts in the query's order, once both lines have come."""
    query = words.writeStream.format("memory").queryName("words").outputMode("complete").start()
    try:
        while words.sparkSession.sql("SELECT coalesce(sum(count), 0) FROM words").first() != (10,):
            query.processAllAvailable()
        return [list(row) for row in words.sparkSession.table("words").collect()]
    finally:
        query.stop()


def refusals(lines: DataFrame) -> list:
    attempts: dict[str, Callable[[], object]] = {
        "show": lines.show,
        "collect": lines.collect,
        "toPandas": lines.toPandas,
        "count": lines.count,
    }
    return [[name, refused(attempt)] for name, attempt in attempts.items()]


def refused(attempt: Callable[[], object]) -> str:
    try:
        attempt()
    except PySparkException as error:
        return "start()" if "writeStream.start()" in str(error) else str(error)
    return "accepted"


class served:  # noqa: N801 - used like a function in `with`
    """A socket that gives every reader the same lines; its port."""

    def __init__(self, text: str) -> None:
        self.text = text.encode()
        self.server = socket.create_server(("localhost", 0))

    def __enter__(self) -> int:
        threading.Thread(target=self._serve, daemon=True).start()
        return self.server.getsockname()[1]

    def __exit__(self, *error: object) -> None:
        self.server.close()

    def _serve(self) -> None:
        readers = []
        while True:
            try:
                reader, _ = self.server.accept()
            except OSError:
                return
            reader.sendall(self.text)
            readers.append(reader)


def follow(spark: SparkSession, port: int) -> None:
    """Print the counts whenever they change, until Ctrl-C."""
    words = word_count(socket_lines(spark, port))
    words.writeStream.format("console").outputMode("complete").start().awaitTermination()


if __name__ == "__main__":
    if len(sys.argv) > 1:
        follow(SparkSession.builder.getOrCreate(), int(sys.argv[1]))
    else:
        cook(recipe)
