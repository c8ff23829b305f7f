"""What the state reader refuses, and how it says so."""

import shutil
from pathlib import Path

from pyspark.sql import SparkSession
from state_verbs import error_of, metadata, state, turns
from verbs import Events

BATCHES = [[(10, "a"), (11, "b")], [(12, "a")], [(31, "c")]]

OPTIONS = {
    "operator that is not there": {"operatorId": 7},
    "negative operator": {"operatorId": -1},
    "operator that is no number": {"operatorId": "x"},
    "empty store": {"storeName": " "},
    "store that is not there": {"storeName": "other"},
    "side of no join": {"joinSide": "left"},
    "unknown side": {"joinSide": "middle"},
    "side and store": {"joinSide": "left", "storeName": "left-keyToNumValues"},
    "negative batch": {"batchId": -1},
    "batch that is not there": {"batchId": 17},
    "batch that is no number": {"batchId": "x"},
    "snapshot after batch": {"snapshotStartBatchId": 2, "batchId": 1, "snapshotPartitionId": 0},
    "negative snapshot": {"snapshotStartBatchId": -1, "snapshotPartitionId": 0},
    "negative snapshot partition": {"snapshotStartBatchId": 0, "snapshotPartitionId": -1},
    "snapshot without partition": {"snapshotStartBatchId": 0},
    "partition without snapshot": {"snapshotPartitionId": 0},
    "changes from nowhere": {"readChangeFeed": True},
    "changes of a batch": {"readChangeFeed": True, "batchId": 1, "changeStartBatchId": 0},
    "changes of a side": {"readChangeFeed": True, "joinSide": "left", "changeStartBatchId": 0},
    "changes of a snapshot": {"readChangeFeed": True, "snapshotStartBatchId": 0, "changeStartBatchId": 0},
    "changes of a snapshot's partition": {
        "readChangeFeed": True,
        "snapshotPartitionId": 0,
        "changeStartBatchId": 0,
    },
    "changes backwards": {"readChangeFeed": True, "changeStartBatchId": 1, "changeEndBatchId": 0},
    "changes from before": {"readChangeFeed": True, "changeStartBatchId": -1},
    "changes after the end": {"readChangeFeed": True, "changeStartBatchId": 9},
    "changes to the future": {"readChangeFeed": True, "changeStartBatchId": 0, "changeEndBatchId": 9},
    "start without changes": {"changeStartBatchId": 0},
    "end without changes": {"changeEndBatchId": 0},
    "changes that are no boolean": {"readChangeFeed": "maybe", "changeStartBatchId": 0},
    "variable of no variables": {"stateVarName": "count"},
    "timers of no timers": {"readRegisteredTimers": True},
    "timers and variable": {"readRegisteredTimers": True, "stateVarName": "count"},
    "flattened": {"flattenCollectionTypes": False},
    "unknown option": {"whatever": 1},
}


def run(spark: SparkSession, directory: Path):
    checkpoint = directory / "checkpoint"
    events = Events(spark, directory / "events")
    turns(events.frame.groupBy("value").count(), events, checkpoint, BATCHES, "update")
    stateless = directory / "stateless"
    other = Events(spark, directory / "other")
    turns(other.frame.select("value"), other, stateless, BATCHES[:1])
    found = {name: state(spark, checkpoint, **options) for name, options in OPTIONS.items()}
    found["no path"] = error_of(lambda: spark.read.format("statestore").load().collect(), directory)
    found["no path of metadata"] = error_of(
        lambda: spark.read.format("state-metadata").load().collect(), directory
    )
    found["no such folder"] = state(spark, directory / "nowhere")
    found["no such folder for metadata"] = metadata(spark, directory / "nowhere")
    found["stateless"] = state(spark, stateless)
    found["metadata of stateless"] = metadata(spark, stateless)
    found["metadata of a batch"] = metadata(spark, checkpoint, batchId=1)
    found["metadata of no batch"] = metadata(spark, checkpoint, batchId=17)
    found["uri"] = _rows_of_uri(spark, checkpoint)
    found["schema given"] = error_of(
        lambda: spark.read.schema("a int").format("statestore").load(str(checkpoint)).collect(), directory
    )
    found["read as a stream"] = error_of(
        lambda: spark.readStream.format("statestore").load(str(checkpoint)).schema, directory
    )
    (checkpoint / "commits").rename(directory / "commits")
    found["nothing committed"] = state(spark, checkpoint)
    found["nothing committed, batch given"] = state(spark, checkpoint, batchId=1)
    (directory / "commits").rename(checkpoint / "commits")
    (checkpoint / "offsets" / "1").unlink()
    found["offsets gone"] = state(spark, checkpoint, batchId=1)
    shutil.rmtree(checkpoint / "state")
    found["state gone"] = state(spark, checkpoint)
    return found


def _rows_of_uri(spark: SparkSession, checkpoint: Path) -> int:
    return spark.read.format("statestore").load(f"file://{checkpoint}").count()
