"""Delta tables by name: the engine's catalogue knows where they are, the log knows what they are."""

import os

from pyspark.sql.types import StructType

from cauce.clock import Clock
from cauce.delta.log import DeltaLog
from cauce.delta.transaction import Operation, Transaction
from cauce.delta.writing import WriteOptions, ensure_table
from cauce.engine import EngineSession
from cauce.engine.catalog import describe_table
from cauce.files import open_file_system

__all__ = ["create_in_catalog", "location_of", "register"]


def create_in_catalog(
    log: DeltaLog,
    name: str,
    schema: StructType,
    options: WriteOptions,
    *,
    engine: EngineSession,
    clock: Clock,
) -> None:
    """Make the table, unless its folder holds one already, and tell the catalogue."""
    transaction = Transaction(log, clock)
    if not transaction.snapshot.exists:
        ensure_table(transaction, schema, options)
        transaction.commit(Operation("CREATE TABLE", {"isManaged": "false"}))
    register(name, log, engine)


def register(name: str, log: DeltaLog, engine: EngineSession) -> None:
    """A catalogue entry for a table that exists; its columns are those of the log, whatever they become."""
    engine.sql(f"CREATE TABLE {name} USING delta LOCATION '{_escaped(log.path)}'")


def location_of(name: str, engine: EngineSession) -> str | None:
    """The folder of a table of that name, if it is a Delta table."""
    table = describe_table(engine, name)
    if table is None or table.provider.lower() != "delta":
        return None
    return open_file_system(table.location)[1] if ":" in table.location else os.path.abspath(table.location)


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("'", "\\'")
