"""A query restarted from its checkpoint goes on with the next batch id, reading nothing twice."""

import json
from pathlib import Path

from pyspark.sql import SparkSession
from verbs import Events, sorted_rows


def run(spark: SparkSession, directory: Path):
    events = Events(spark, directory / "in")
    checkpoint, out = directory / "checkpoint", str(directory / "out")
    ids, batches = set(), []
    for second in range(3):
        events.add((second, "abc"[second]))
        writer = (
            events.frame.select("value")
            .writeStream.format("text")
            .option("checkpointLocation", str(checkpoint))
        )
        query = writer.trigger(availableNow=True).start(out)
        query.awaitTermination()
        ids.add(query.id)
        batches.append([(p["batchId"], p.numInputRows) for p in query.recentProgress if p.numInputRows])
    return {
        "batches": batches,
        "one id": len(ids) == 1 and json.loads((checkpoint / "metadata").read_text())["id"] in ids,
        "rows": sorted_rows(spark.read.text(out)),
        "logs": {name: names(checkpoint / name) for name in ("offsets", "commits", "sources/0")},
        "offset": [json.loads(line) for line in (checkpoint / "offsets" / "2").read_text().splitlines()[2:]],
        "commit": (checkpoint / "commits" / "2").read_text().splitlines(),
    }


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))
