"""The file sink: partition folders, its metadata log, and batch reads that see only whole batches."""

import json
from pathlib import Path

from pyspark.sql import SparkSession
from verbs import Events, sorted_rows


def run(spark: SparkSession, directory: Path):
    events = Events(spark, directory / "in", maxFilesPerTrigger="1")
    for second in range(12):
        events.add((second, "ab"[second % 2]))
    out = directory / "out"
    writer = events.frame.drop("time").writeStream.format("json").partitionBy("value")
    writer = writer.option("checkpointLocation", str(directory / "checkpoint")).trigger(availableNow=True)
    writer.start(str(out)).awaitTermination()
    (out / "value=a" / "part-from-elsewhere.json").write_text('{"second": 99}\n')
    read = spark.read.schema("second double, value string").json(str(out))
    log = out / "_spark_metadata"
    lines = (log / "11").read_text().splitlines()
    return {
        "rows": sorted_rows(read),
        "pruned": sorted_rows(read.where("value = 'b' AND second > 5")),
        "folders": sorted(path.name for path in out.iterdir() if path.is_dir()),
        "log": sorted(
            (p.name for p in log.iterdir() if not p.name.startswith(".")), key=lambda n: int(n.split(".")[0])
        ),
        "version": lines[0],
        "entry": sorted(json.loads(lines[1])),
        "entries in compaction": len((log / "9.compact").read_text().splitlines()) - 1,
    }
