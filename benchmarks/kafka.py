"""Kafka to Kafka: rows a second beside Apache Spark, and how long a record takes at a steady rate.

    CAUCE_SPARK_PYTHON=.spark-venv/bin/python python benchmarks/kafka.py [--records N] [--rate N]

The broker runs on the same machine and takes its share of it. Needs the jars of `make integration`.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
from confluent_kafka import Consumer, Producer, TopicPartition

ROOT = Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT / "tests" / "integration" / "kafka"))

from kafka_broker import KafkaBroker  # noqa: E402

PARTITIONS = 6
REGIONS = ["LATAM", "EMEA", "APAC", "NA"]
PROGRAM = str(Path(__file__).with_name("kafka_clicks.py"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=2_000_000)
    parser.add_argument("--rate", type=int, default=20_000)
    parser.add_argument("--seconds", type=int, default=20)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, KafkaBroker(Path(folder)) as kafka:
        for topic in ("clicks", "paced", "paced-out", "counts-cauce", "counts-spark"):
            kafka.create(topic, PARTITIONS)
        send_clicks(kafka.servers, chosen.records)
        for name, command in engines().items():
            print(name, throughput(command, kafka.servers, Path(folder) / name, f"counts-{name}"), flush=True)
        print("latency_ms", latency(kafka.servers, Path(folder), chosen.rate, chosen.seconds), flush=True)


def engines() -> dict[str, list[str]]:
    """How each runs the program; Apache Spark if an interpreter with it is named."""
    found = {"cauce": [sys.executable, "-m", "cauce.cli.main", "run"]}
    spark = os.environ.get("CAUCE_SPARK_PYTHON")
    return found | ({"spark": [spark]} if spark else {})


def throughput(command: list[str], servers: str, folder: Path, topic: str) -> dict[str, float]:
    folder.mkdir()
    out = folder / "result.json"
    environment = os.environ | {"PYSPARK_SUBMIT_ARGS": "--master local[2] pyspark-shell"}
    subprocess.run([*command, PROGRAM, servers, str(folder), str(out), topic], check=True, env=environment)
    result = json.loads(out.read_text())
    return {
        "rows": result["rows"],
        "rows_s": round(result["rows"] / result["seconds"]),
        "warm_rows_s": round(result["warm_rows_s"]),
    }


def send_clicks(servers: str, count: int) -> None:
    producer = Producer(
        {"bootstrap.servers": servers, "queue.buffering.max.messages": 3_000_000, "linger.ms": 5}
    )
    for number in range(count):
        producer.produce(
            "clicks", click(number, 1_700_000_000_000 + number // 100), partition=number % PARTITIONS
        )
        if number % 10_000 == 0:
            producer.poll(0)
    producer.flush()


def click(number: int, at_ms: int) -> str:
    return (
        f'{{"user_id":{number % 100_000},"event_type":"click","page":"/p/{number % 500}",'
        f'"product_id":{number % 5000},"amount":0.0,"region":"{REGIONS[number % 4]}","at":{at_ms}}}'
    )


def latency(servers: str, folder: Path, rate: int, seconds: int) -> dict[str, float]:
    """Milliseconds from a record's making to its answer's being readable, parse and copy between."""
    from pyspark.sql import SparkSession
    from pyspark.sql import functions as F

    import cauce

    cauce.start()
    spark = SparkSession.builder.getOrCreate()
    kafka = {"kafka.bootstrap.servers": servers}
    records = spark.readStream.format("kafka").options(**kafka, subscribe="paced").load()
    parsed = records.select(F.from_json(F.col("value").cast("string"), "at BIGINT").alias("c"))
    answers = parsed.where("c.at % 2 >= 0").select(F.to_json("c").alias("value"))
    writer = answers.writeStream.format("kafka").options(**kafka, topic="paced-out")
    query = writer.option("checkpointLocation", str(folder / "paced-checkpoint")).start()
    query.processAllAvailable()
    found: list[int] = []
    stopping = threading.Event()
    reader = threading.Thread(target=read_answers, args=(servers, found, stopping))
    reader.start()
    subprocess.run(
        [sys.executable, __file__.replace("kafka.py", "kafka_pace.py"), servers, str(rate), str(seconds)],
        check=True,
    )
    time.sleep(2)
    stopping.set()
    reader.join()
    durations = [p["durationMs"]["triggerExecution"] for p in query.recentProgress]
    query.stop()
    settled = np.array(found[len(found) // 5 :])
    p50, p99 = np.percentile(settled, [50, 99])
    return {
        "records": len(found),
        "p50": float(p50),
        "p99": float(p99),
        "batch_ms_mean": round(float(np.mean(durations)), 1),
    }


def read_answers(servers: str, found: list[int], stopping: threading.Event) -> None:
    consumer = Consumer({"bootstrap.servers": servers, "group.id": "latency", "auto.offset.reset": "latest"})
    consumer.assign([TopicPartition("paced-out", number) for number in range(PARTITIONS)])
    while not stopping.is_set():
        messages = consumer.consume(1000, 0.01)
        now_ms = time.time_ns() // 1_000_000
        found.extend(
            now_ms - json.loads(message.value())["at"] for message in messages[::10] if not message.error()
        )
    consumer.close()


if __name__ == "__main__":
    main()
