"""State as tables: what the stores of a checkpoint held after a retained batch, and what batches changed.

Imported by connect, for `spark.read.format("statestore")`, and by the command line; imports operators'
layouts, the state store, checkpoints and errors. It works from the checkpoint alone, of a query that runs or
not; only editing asks for a stopped one. The state that Apache Spark's own operators wrote is not read.
"""

from cauce.streaming.stored_state.copying import copy_checkpoint, state_files
from cauce.streaming.stored_state.differences import Difference, differences
from cauce.streaming.stored_state.editing import Change, delete_row, set_row, take_back
from cauce.streaming.stored_state.options import last_batch
from cauce.streaming.stored_state.reader import read_metadata, read_state, state_rows, store_version
from cauce.streaming.stored_state.stores import StoredStore, stores_of
from cauce.streaming.stored_state.summary import BatchSummary, batches, require_checkpoint, sizes

__all__ = [
    "BatchSummary",
    "Change",
    "Difference",
    "StoredStore",
    "batches",
    "copy_checkpoint",
    "delete_row",
    "differences",
    "last_batch",
    "read_metadata",
    "read_state",
    "require_checkpoint",
    "set_row",
    "sizes",
    "state_files",
    "state_rows",
    "store_version",
    "stores_of",
    "take_back",
]
