"""Batch reads of Delta tables: old versions, the change data feed, and clones.

A plain read is the engine's own. What the user said in options becomes a version here; what the engine
cannot find is listed for it.
"""

from collections.abc import Mapping

from pyspark.sql.connect.proto import Relation

from cauce.connect.delta_tables import VERSIONED, version_of_moment
from cauce.connect.preparation import Preparation, replace
from cauce.delta.change_feed import change_schema, changes_between
from cauce.delta.data_files import arrow_form
from cauce.delta.errors import DeltaAnalysisException, DeltaIllegalArgumentException
from cauce.delta.history import check_version, version_at, version_from
from cauce.delta.log import DeltaLog
from cauce.delta.moments import parse_moment_ms
from cauce.delta.protocol import check_readable
from cauce.delta.reading import is_absolute, read_files, scan
from cauce.delta.snapshot import Snapshot
from cauce.errors import AnalysisException
from cauce.files import is_local
from cauce.session import Session

__all__ = ["change_range", "changes", "delta_read"]


def delta_read(node: Relation, preparation: Preparation) -> None:
    """Change the relation in place if it reads a Delta table by its path."""
    source = node.read.data_source
    if node.read.is_streaming or source.format.lower() != "delta" or len(source.paths) != 1:
        return
    options = {key.lower(): value for key, value in source.options.items()}
    path, version = _location(source.paths[0])
    log = DeltaLog.open(path)
    if not log.exists():
        raise AnalysisException("PATH_NOT_FOUND", path=path)
    session = preparation.session
    if options.get("readchangefeed", options.get("readchangedata", "")).lower() == "true":
        _read_changes(node, log, options, preparation)
        return
    version = _version(log, version, options, session)
    snapshot = log.update() if version is None else log.snapshot_at(version)
    check_readable(snapshot.protocol, path)
    files = list(snapshot.files.values())
    if not is_local(path):
        _read_objects(node, log, snapshot, preparation)
        return
    if any(is_absolute(file.path) for file in files):
        replace(node, scan(path, files, snapshot.table))  # A clone's files.
        return
    for key in list(source.options):
        if key.lower() in ("timestampasof", "versionasof"):
            del source.options[key]
    source.paths[0] = path
    if version is not None:
        source.options["versionAsOf"] = str(version)


def _read_objects(node: Relation, log: DeltaLog, snapshot: Snapshot, preparation: Preparation) -> None:
    """The table's files, brought here; an analysis needs none of them."""
    files = list(snapshot.files.values()) if preparation.running else []
    if files and not any(file.deletion_vector for file in files):
        replace(node, scan(log.path, files, snapshot.table))
        return
    rows = read_files(log.path, files, snapshot.table)
    replace(node, preparation.session.engine.leaf(rows, preparation.lease))


def change_range(log: DeltaLog, options: Mapping[str, str], session: Session) -> tuple[int, int]:
    """First and last version of a change feed, both included. Options are in lower case."""
    start = _boundary(log, "starting", options, session)
    if start is None:
        raise DeltaAnalysisException("DELTA_NO_START_FOR_CDC_READ")
    latest = log.existing().version
    end = _boundary(log, "ending", options, session)
    if start > latest:
        raise DeltaIllegalArgumentException(
            "DELTA_CDC_START_VERSION_AFTER_LATEST", start=start, latest=latest
        )
    check_version(log, start)
    last = latest if end is None else min(end, latest)
    if last < start:
        raise DeltaIllegalArgumentException("DELTA_INVALID_CDC_RANGE", start=start, end=last)
    return start, last


def _read_changes(
    node: Relation, log: DeltaLog, options: Mapping[str, str], preparation: Preparation
) -> None:
    replace(node, changes(log, change_range(log, options, preparation.session), preparation))


def changes(log: DeltaLog, versions: tuple[int, int], preparation: Preparation) -> Relation:
    """The change feed of these versions, both included; without rows if it is only analysed."""
    if preparation.running:
        rows = changes_between(log, *versions)
    else:
        rows = arrow_form(change_schema(log.existing().table.schema)).empty_table()
    return preparation.session.engine.leaf(rows, preparation.lease)


def _boundary(log: DeltaLog, which: str, options: Mapping[str, str], session: Session) -> int | None:
    version, moment = options.get(f"{which}version"), options.get(f"{which}timestamp")
    if version is not None and moment is not None:
        raise DeltaAnalysisException("DELTA_MULTIPLE_CDC_BOUNDARY", startingOrEnding=which)
    if version is not None:
        if not version.isdecimal():
            raise DeltaIllegalArgumentException("DELTA_VERSION_INVALID", version=version)
        return int(version)
    if moment is None:
        return None
    moment_ms = parse_moment_ms(moment, session.engine.time_zone)
    return version_from(log, moment_ms, moment) if which == "starting" else version_at(log, moment_ms, moment)


def _location(path: str) -> tuple[str, int | None]:
    """The folder, and the version if the path names one."""
    match = VERSIONED.fullmatch(path)
    if match is None or match["version"] is None:
        return DeltaLog.open(path).path, None
    return DeltaLog.open(match["path"]).path, int(match["version"])


def _version(log: DeltaLog, in_path: int | None, options: Mapping[str, str], session: Session) -> int | None:
    version, moment = options.get("versionasof"), options.get("timestampasof")
    if [in_path, version, moment].count(None) < 2:
        raise DeltaIllegalArgumentException("DELTA_UNSUPPORTED_TIME_TRAVEL_MULTIPLE_FORMATS")
    if moment is not None:
        return version_of_moment(log, moment, session)
    if version is not None and not version.isdecimal():
        raise DeltaIllegalArgumentException("DELTA_VERSION_INVALID", version=version)
    return in_path if version is None else int(version)
