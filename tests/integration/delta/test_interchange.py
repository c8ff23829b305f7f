"""Tables and streams that change hands between cauce and Apache Spark with Delta Lake's own jars."""

import datetime as dt
import json
import os
import subprocess
from decimal import Decimal
from pathlib import Path

import pytest

from cauce.delta.log import DeltaLog
from cauce.delta.reading import read_files

TURN = Path(__file__).with_name("spark_turn.py")
SCHEMA = "id long, name string, ts timestamp, amount decimal(10,2)"


def ids(spark, path):
    return sorted(row.id for row in spark.read.format("delta").load(path).collect())


def run_stream(spark, folder):
    stream = spark.readStream.format("delta").option("ignoreChanges", True).load(f"{folder}/table")
    writer = stream.writeStream.format("delta").option("checkpointLocation", f"{folder}/checkpoint")
    writer.trigger(availableNow=True).start(f"{folder}/out").awaitTermination()


def test_tables_and_a_stream_change_hands(spark, tmp_path):
    python = os.environ.get("CAUCE_SPARK_PYTHON")
    if python is None:
        pytest.skip("CAUCE_SPARK_PYTHON names no interpreter with Apache Spark")
    path = f"{tmp_path}/table"
    moment = dt.datetime(2024, 2, 29, 12, 30, 45, 123456)
    rows = [(i, f"ü {i} 😀" if i % 2 else None, moment, Decimal("12.34")) for i in range(12)]
    for start in range(0, 12, 1):
        frame = spark.createDataFrame(rows[start : start + 1], SCHEMA)
        writer = frame.write.format("delta").mode("append").option("delta.enableChangeDataFeed", "true")
        writer.partitionBy("name").save(path)
    run_stream(spark, tmp_path)
    spark.sql(f"UPDATE delta.`{path}` SET name = 'updated' WHERE id = 3").collect()
    spark.sql(f"DELETE FROM delta.`{path}` WHERE id = 4").collect()
    spark.sql(f"OPTIMIZE delta.`{path}`").collect()

    plain = {k: v for k, v in os.environ.items() if not k.startswith(("SPARK_", "PYTHONPATH"))}
    done = subprocess.run([python, TURN, tmp_path], capture_output=True, text=True, timeout=900, env=plain)
    assert done.returncode == 0, done.stderr[-3000:]
    answer = json.loads(done.stdout.strip().splitlines()[-1])

    assert [int(row[0]) for row in answer["table"]] == sorted((i for i in range(12) if i != 4), key=str)
    assert ["3", "updated", str(moment), "12.34"] in answer["table"]
    assert ["4", "delete", "13"] in answer["changes"]
    assert ["3", "update_postimage", "12"] in answer["changes"]
    assert answer["history"][:4] == ["OPTIMIZE", "DELETE", "UPDATE", "WRITE"]
    # Spark went on where cauce had stopped: row 3 came again, as an update does with ignoreChanges.
    assert sorted(int(row[0]) for row in answer["out"]) == sorted([*range(12), 3, 100])

    spark.createDataFrame([(200, "back", moment, Decimal(1))], SCHEMA).write.format("delta").mode(
        "append"
    ).save(path)
    run_stream(spark, tmp_path)
    assert ids(spark, f"{tmp_path}/out") == sorted([*range(12), 3, 100, 200])

    expected = [i for i in range(5001) if i % 3]
    assert ids(spark, f"{tmp_path}/vectors") == expected
    snapshot = DeltaLog.open(f"{tmp_path}/vectors").existing()
    assert any(file.deletion_vector for file in snapshot.files.values())
    own = read_files(f"{tmp_path}/vectors", snapshot.files.values(), snapshot.table)
    assert sorted(own["id"].to_pylist()) == expected
    feed = spark.read.format("delta").option("readChangeFeed", True).option("startingVersion", 2)
    changes = feed.load(f"{tmp_path}/vectors")
    assert changes.where("_change_type = 'delete'").count() == 6000 - len(expected)
