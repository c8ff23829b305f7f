"""The Delta tables that a request names: by path, by `delta.`...``, or by a name of the catalogue."""

import re
from typing import Any

from cauce.clock import SystemClock
from cauce.delta.catalog import location_of
from cauce.delta.errors import DeltaAnalysisException, table_not_found
from cauce.delta.history import version_at
from cauce.delta.log import DeltaLog
from cauce.delta.moments import parse_moment_ms
from cauce.plan.tables import identifier_parts
from cauce.session import Session

__all__ = ["CLOCK", "VERSIONED", "find_log", "log_of_name", "log_of_table", "version_of_moment"]

CLOCK = SystemClock()
VERSIONED = re.compile(r"(?P<path>.*)@(?:v(?P<version>\d+)|(?P<moment>\d{17}))")
"""`/path@v12` and `/path@20240131120000000` name an old version of a table."""


def log_of_table(message: Any, session: Session) -> DeltaLog:
    """The log of a DeltaTable message; of a table that exists."""
    if message.HasField("path"):
        return _existing(DeltaLog.open(message.path.path))
    return log_of_name(message.table_or_view_name, session)


def log_of_name(name: str, session: Session) -> DeltaLog:
    """The log of a table by its name; an error if it is not a Delta table."""
    log = find_log(name, session)
    if log is None:
        raise DeltaAnalysisException("DELTA_TABLE_NOT_FOUND", tableName=name)
    return _existing(log)


def find_log(name: str, session: Session) -> DeltaLog | None:
    """The log of a table by its name, whether it is there or not; None for tables of other formats."""
    parts = identifier_parts(name)
    if len(parts) == 2 and parts[0].lower() == "delta":
        return DeltaLog.open(parts[1])
    location = location_of(name, session.engine)
    return None if location is None else DeltaLog.open(location)


def version_of_moment(log: DeltaLog, text: str, session: Session) -> int:
    """The version that was the newest at a moment the user wrote."""
    return version_at(log, parse_moment_ms(text, session.engine.time_zone), text)


def _existing(log: DeltaLog) -> DeltaLog:
    if not log.exists():
        raise table_not_found(log.path)
    return log
