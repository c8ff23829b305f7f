"""State as tables: what the stores of a checkpoint held after a retained batch, and what batches changed.

Imported by connect, for `spark.read.format("statestore")`, and by the command line; imports operators'
layouts, the state store, checkpoints and errors. It works from the checkpoint alone, of a query that runs or
not. The state that Apache Spark's own operators wrote is not read.
"""

from cauce.streaming.stored_state.options import StateReadOptions
from cauce.streaming.stored_state.reader import METADATA_SCHEMA, read_metadata, read_state
from cauce.streaming.stored_state.stores import StoredStore, stores_of
from cauce.streaming.stored_state.versions import Version, version_of

__all__ = [
    "METADATA_SCHEMA",
    "StateReadOptions",
    "StoredStore",
    "Version",
    "read_metadata",
    "read_state",
    "stores_of",
    "version_of",
]
