"""SQL statements that Sail does not know: settings, caching a table by its name, Delta tables."""

import re
from collections.abc import Callable

import pyarrow as pa
from pyspark.sql.connect.proto import Relation

from cauce.connect.catalog import cache_table, clear_cache, uncache_table
from cauce.connect.config import get_value, reset, set_value
from cauce.connect.delta_dml import change_rows_by_sql
from cauce.connect.delta_sql import DELTA_STATEMENTS
from cauce.session import Session

__all__ = ["own_statement"]

KEY = r"(?P<key>`[^`]+`|[\w.\-]+)"
SET_PAIR = re.compile(rf"SET\s+{KEY}\s*=\s*(?P<value>.*)", re.IGNORECASE | re.DOTALL)
SET_ZONE = re.compile(r"SET\s+TIME\s+ZONE\s+(?P<zone>LOCAL|'[^']*'|\"[^\"]*\")", re.IGNORECASE)
GET_ONE = re.compile(rf"SET\s+{KEY}", re.IGNORECASE)
GET_ALL = re.compile(r"SET(\s+-v)?", re.IGNORECASE)
RESET_ONE = re.compile(rf"RESET\s+{KEY}", re.IGNORECASE)
RESET_ALL = re.compile(r"RESET", re.IGNORECASE)
CACHE = re.compile(rf"CACHE\s+(LAZY\s+)?TABLE\s+{KEY}", re.IGNORECASE)
UNCACHE = re.compile(rf"UNCACHE\s+TABLE\s+(IF\s+EXISTS\s+)?{KEY}", re.IGNORECASE)
CLEAR_CACHE = re.compile(r"CLEAR\s+CACHE", re.IGNORECASE)

TIME_ZONE = "spark.sql.session.timeZone"


def own_statement(text: str, session: Session, compute: Callable[[Relation], pa.Table]) -> pa.Table | None:
    """Run the statement and give its rows, or None if it is another kind of statement."""
    stripped = text.strip().rstrip(";").rstrip()
    for pattern, run in (*STATEMENTS, *DELTA_STATEMENTS):
        match = pattern.fullmatch(stripped)
        if match is not None:
            return run(match, session)
    return change_rows_by_sql(stripped, session, compute)


def _set_zone(match: re.Match[str], session: Session) -> pa.Table:
    zone = match["zone"]
    if zone.upper() == "LOCAL":
        reset(TIME_ZONE, session)
        return _pairs({TIME_ZONE: get_value(TIME_ZONE, session) or ""})
    set_value(TIME_ZONE, zone[1:-1], session)
    return _pairs({TIME_ZONE: zone[1:-1]})


def _set_pair(match: re.Match[str], session: Session) -> pa.Table:
    key, value = match["key"].strip("`"), match["value"].strip()
    set_value(key, value, session)
    return _pairs({key: value})


def _get_one(match: re.Match[str], session: Session) -> pa.Table:
    key = match["key"].strip("`")
    value = get_value(key, session)
    return _pairs({key: "<undefined>" if value is None else value})


def _get_all(match: re.Match[str], session: Session) -> pa.Table:
    return _pairs(dict(sorted(session.settings.all().items())))


def _reset_one(match: re.Match[str], session: Session) -> pa.Table:
    reset(match["key"].strip("`"), session)
    return pa.table({})


def _reset_all(match: re.Match[str], session: Session) -> pa.Table:
    for key in session.settings.all():
        reset(key, session)
    return pa.table({})


def _cache(match: re.Match[str], session: Session) -> pa.Table:
    return cache_table(match["key"], session)


def _uncache(match: re.Match[str], session: Session) -> pa.Table:
    return uncache_table(match["key"], session)


def _clear_cache(match: re.Match[str], session: Session) -> pa.Table:
    return clear_cache(session)


def _pairs(pairs: dict[str, str]) -> pa.Table:
    return pa.table(
        {"key": pa.array(list(pairs), pa.string()), "value": pa.array(list(pairs.values()), pa.string())}
    )


STATEMENTS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str], Session], pa.Table]], ...] = (
    (SET_ZONE, _set_zone),
    (SET_PAIR, _set_pair),
    (GET_ONE, _get_one),
    (GET_ALL, _get_all),
    (RESET_ONE, _reset_one),
    (RESET_ALL, _reset_all),
    (CACHE, _cache),
    (UNCACHE, _uncache),
    (CLEAR_CACHE, _clear_cache),
)
"""Tried in order against the whole statement."""
