"""SQL about Delta tables that the engine does not know, or does not do as Delta Lake does."""

import re
from collections.abc import Callable

import pyarrow as pa

from cauce.connect.delta_commands import checks_retention, table_folder
from cauce.connect.delta_tables import CLOCK, find_log, version_of_moment
from cauce.delta.alter import (
    add_columns,
    add_constraint,
    drop_constraint,
    set_properties,
    unset_properties,
)
from cauce.delta.catalog import register
from cauce.delta.creation import clone, convert
from cauce.delta.describe import detail, history
from cauce.delta.errors import DeltaAnalysisException
from cauce.delta.log import DeltaLog
from cauce.delta.moments import parse_moment_ms
from cauce.delta.optimize import optimize
from cauce.delta.partitions import partitions_where
from cauce.delta.protocol import features_of_protocol
from cauce.delta.restore import restorable_version_at, restore
from cauce.delta.vacuum import vacuum
from cauce.plan.tables import identifier_parts
from cauce.session import Session

__all__ = ["DELTA_STATEMENTS"]

PART = r"(?:`(?:[^`]|``)+`|\w+)"
NAME = rf"(?P<name>{PART}(?:\.{PART})*|'[^']+'|\"[^\"]+\")"
AS_OF = r"(?:VERSION AS OF (?P<version>\d+)|TIMESTAMP AS OF '(?P<moment>[^']+)')"
QUOTED = r"'([^']*)'|\"([^\"]*)\""
PROPERTY = re.compile(rf"\s*(?:{QUOTED}|`([^`]+)`|([\w.]+))\s*=?\s*(?:{QUOTED}|([\w.]+))?\s*")

Run = Callable[[re.Match[str], Session], pa.Table | None]
NOTHING = pa.table({})


def _log(match: re.Match[str], session: Session) -> DeltaLog | None:
    """The table the statement names, which may be a quoted path; None if it is no Delta table."""
    name = match["name"]
    if name[0] in "'\"":
        return DeltaLog.open(name[1:-1])
    return find_log(name, session)


def _known(match: re.Match[str], session: Session) -> DeltaLog:
    log = _log(match, session)
    if log is None:
        raise DeltaAnalysisException("DELTA_TABLE_NOT_FOUND", tableName=match["name"])
    return log


def _create(match: re.Match[str], session: Session) -> pa.Table | None:
    """The engine makes the table; it needs a folder, and knows few of Delta's properties."""
    head, properties, tail = match["head"], match["properties"], match["tail"]
    has_location = re.search(r"\bLOCATION\s+['\"]", f"{head} {tail}", re.IGNORECASE)
    if has_location and properties is None:
        return None
    name = match["name"]
    if match["if_not_exists"] and find_log(name, session) is not None:
        return NOTHING
    folder = table_folder(name, session).replace("'", "\\'")
    session.engine.sql(f"{head} {tail}" if has_location else f"{head} {tail} LOCATION '{folder}'")
    if properties is not None:
        set_properties(_known(match, session), _properties(properties), CLOCK)
    return NOTHING


def _optimize(match: re.Match[str], session: Session) -> pa.Table:
    log = _known(match, session)
    where = match["where"]
    partitions = partitions_where(log.existing(), [where], session.engine) if where else None
    columns = [
        part for text in (match["columns"] or "").split(",") for part in identifier_parts(text.strip())
    ]
    return optimize(log, CLOCK, partitions=partitions, zorder_by=columns)


def _vacuum(match: re.Match[str], session: Session) -> pa.Table:
    hours = None if match["hours"] is None else float(match["hours"])
    dry_run = match["dry"] is not None
    return vacuum(
        _known(match, session), CLOCK, hours=hours, dry_run=dry_run, checked=checks_retention(session)
    )


def _history(match: re.Match[str], session: Session) -> pa.Table:
    limit = None if match["limit"] is None else int(match["limit"])
    return history(_known(match, session), limit)


def _detail(match: re.Match[str], session: Session) -> pa.Table:
    return detail(_known(match, session))


def _restore(match: re.Match[str], session: Session) -> pa.Table:
    log = _known(match, session)
    if match["version"] is not None:
        return restore(log, int(match["version"]), CLOCK)
    moment_ms = parse_moment_ms(match["moment"], session.engine.time_zone)
    version = restorable_version_at(log, moment_ms, match["moment"])
    return restore(log, version, CLOCK, timestamp=match["moment"])


def _convert(match: re.Match[str], session: Session) -> pa.Table:
    parts = identifier_parts(match["name"])
    if len(parts) != 2 or parts[0].lower() != "parquet":
        raise DeltaAnalysisException("DELTA_MISSING_PROVIDER_FOR_CONVERT")
    columns = None if match["columns"] is None else session.engine.parse_ddl(match["columns"])
    convert(DeltaLog.open(parts[1]), columns, CLOCK)
    return NOTHING


def _clone(match: re.Match[str], session: Session) -> pa.Table:
    source = _known(match, session)
    version = None if match["version"] is None else int(match["version"])
    if match["moment"] is not None:
        version = version_of_moment(source, match["moment"], session)
    snapshot = source.existing() if version is None else source.snapshot_at(version)
    known = find_log(match["target"], session)
    if known is not None and known.exists() and match["if_not_exists"]:
        return NOTHING
    log = known if match["location"] is None else DeltaLog.open(match["location"])
    if log is None:
        raise DeltaAnalysisException("DELTA_CREATE_TABLE_MISSING_TABLE_NAME_OR_LOCATION")
    clone(source, snapshot, log, CLOCK, properties={}, replaces=match["replace"] is not None)
    if known is None:
        register(match["target"], log, session.engine)
    size = sum(file.size_bytes for file in snapshot.files.values())
    values = (size, len(snapshot.files), 0, 0, 0, 0)
    return pa.table({name: pa.array([v], pa.int64()) for name, v in zip(CLONED, values, strict=True)})


CLONED = (
    "source_table_size",
    "source_num_of_files",
    "num_removed_files",
    "num_copied_files",
    "removed_files_size",
    "copied_files_size",
)


def _add_constraint(match: re.Match[str], session: Session) -> pa.Table | None:
    log = _log(match, session)
    if log is None:
        return None
    [name] = identifier_parts(match["constraint"])
    add_constraint(log, name, match["check"].strip(), CLOCK, session.engine)
    return NOTHING


def _drop_constraint(match: re.Match[str], session: Session) -> pa.Table | None:
    log = _log(match, session)
    if log is None:
        return None
    [name] = identifier_parts(match["constraint"])
    drop_constraint(log, name, CLOCK, if_exists=match["if_exists"] is not None)
    return NOTHING


def _set_properties(match: re.Match[str], session: Session) -> pa.Table | None:
    log = _log(match, session)
    if log is None:
        return None
    set_properties(log, _properties(match["properties"]), CLOCK)
    return NOTHING


def _unset_properties(match: re.Match[str], session: Session) -> pa.Table | None:
    log = _log(match, session)
    if log is None:
        return None
    names = _properties(match["properties"])
    unset_properties(log, names, CLOCK, if_exists=match["if_exists"] is not None)
    return NOTHING


def _add_columns(match: re.Match[str], session: Session) -> pa.Table | None:
    log = _log(match, session)
    if log is None:
        return None
    add_columns(log, session.engine.parse_ddl(match["columns"]), CLOCK)
    return NOTHING


def _show_properties(match: re.Match[str], session: Session) -> pa.Table | None:
    log = _log(match, session)
    if log is None:
        return None
    snapshot = log.existing()
    shown = {**snapshot.table.configuration, **features_of_protocol(snapshot.protocol)}
    pairs = sorted(shown.items())
    return pa.table({"key": pa.array([k for k, _ in pairs], pa.string()), "value": [v for _, v in pairs]})


def _properties(text: str) -> dict[str, str]:
    """`'a' = '1', b.c = 2`."""
    found = {}
    for part in re.split(r",(?=(?:[^']*'[^']*')*[^']*$)", text):
        match = PROPERTY.fullmatch(part)
        if match is None:
            raise DeltaAnalysisException(None, f"This is no table property: {part.strip()}")
        key = next(group for group in match.groups()[:4] if group)
        found[key] = next((group for group in match.groups()[4:] if group is not None), "")
    return found


def _pattern(text: str) -> re.Pattern[str]:
    """A statement with single spaces as a pattern for any white space."""
    return re.compile(text.replace(" ", r"\s+"), re.IGNORECASE | re.DOTALL)


DELTA_STATEMENTS: tuple[tuple[re.Pattern[str], Run], ...] = (
    (
        _pattern(rf"OPTIMIZE {NAME}(?: WHERE (?P<where>.+?))?(?: ZORDER BY \(?(?P<columns>[^()]+)\)?)?"),
        _optimize,
    ),
    (
        _pattern(rf"VACUUM {NAME}(?: (?:FULL|LITE))?(?: RETAIN (?P<hours>[\d.]+) HOURS?)?(?P<dry> DRY RUN)?"),
        _vacuum,
    ),
    (
        _pattern(
            rf"(?P<head>CREATE TABLE (?P<if_not_exists>IF NOT EXISTS )?(?!delta\.){NAME}\s*"
            r"\((?:(?!\bAS SELECT\b).)+\) "
            r"USING delta(?:(?!\bAS SELECT\b|\bTBLPROPERTIES\b).)*)"
            r"(?:TBLPROPERTIES\s*\((?P<properties>[^()]+)\))?(?P<tail>(?:(?!\bAS SELECT\b).)*)"
        ),
        _create,
    ),
    (_pattern(rf"DESC(?:RIBE)? HISTORY {NAME}(?: LIMIT (?P<limit>\d+))?"), _history),
    (_pattern(rf"DESC(?:RIBE)? DETAIL {NAME}"), _detail),
    (_pattern(rf"RESTORE(?: TABLE)? {NAME} TO {AS_OF}"), _restore),
    (_pattern(rf"CONVERT TO DELTA {NAME}(?: PARTITIONED BY \((?P<columns>.+)\))?"), _convert),
    (
        _pattern(
            rf"CREATE (?P<replace>OR REPLACE )?TABLE (?P<if_not_exists>IF NOT EXISTS )?"
            rf"(?P<target>{PART}(?:\.{PART})*) SHALLOW CLONE {NAME}(?: {AS_OF})?"
            r"(?: LOCATION '(?P<location>[^']+)')?"
        ),
        _clone,
    ),
    (
        _pattern(rf"ALTER TABLE {NAME} ADD CONSTRAINT (?P<constraint>{PART}) CHECK\s*\((?P<check>.+)\)"),
        _add_constraint,
    ),
    (
        _pattern(rf"ALTER TABLE {NAME} DROP CONSTRAINT (?P<if_exists>IF EXISTS )?(?P<constraint>{PART})"),
        _drop_constraint,
    ),
    (_pattern(rf"ALTER TABLE {NAME} SET TBLPROPERTIES\s*\((?P<properties>.+)\)"), _set_properties),
    (
        _pattern(
            rf"ALTER TABLE {NAME} UNSET TBLPROPERTIES (?P<if_exists>IF EXISTS )?\s*\((?P<properties>.+)\)"
        ),
        _unset_properties,
    ),
    (_pattern(rf"ALTER TABLE {NAME} ADD COLUMNS?\s*\((?P<columns>.+)\)"), _add_columns),
    (_pattern(rf"SHOW TBLPROPERTIES {NAME}"), _show_properties),
)
"""Tried in order against the whole statement; None as an answer leaves it to the engine."""
