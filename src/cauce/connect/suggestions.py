"""Which columns there are where a name was not found: Spark says so, Sail does not.

Looked up only once a plan has failed, by asking for the schemas of its parts.
"""

from typing import Any

import sqlglot
from pyspark.sql.connect.proto import SQL, Plan, Relation
from sqlglot import exp
from sqlglot.errors import SqlglotError

from cauce.connect.plans import roots
from cauce.errors import AnalysisException, SparkError
from cauce.plan.walk import children, kind
from cauce.session import Session
from cauce.streaming.planner import reads_stream, stream_schema

__all__ = ["suggested"]

PROPOSALS_MAX = 5
SOURCES = ("from", "from_", "joins", "laterals")
"""The parts of a parsed SELECT that give it columns, as sqlglot's versions call them."""


def suggested(error: SparkError, plan: Plan, session: Session) -> SparkError:
    """An error about an unknown column with the closest columns in it, if there are any."""
    relation = next(roots(plan), None)
    if relation is None:
        return error
    name = error.parameters["objectName"]
    proposal = _closest(name, _candidates(name, relation, session))
    if not proposal:
        return error
    return AnalysisException(
        "UNRESOLVED_COLUMN.WITH_SUGGESTION", objectName=name, proposal=", ".join(proposal)
    )


def _candidates(name: str, relation: Relation, session: Session) -> list[str]:
    """The columns in sight of the relation that fails though all it reads is fine."""
    failing = _failing(relation, session)
    if kind(failing) == "sql":
        return _sql_candidates(name, failing.sql.query, session)
    return [f"`{column}`" for child in children(failing) for column in _columns(child, session) or ()]


def _failing(relation: Relation, session: Session) -> Relation:
    for child in children(relation):
        if _columns(child, session) is None:
            return _failing(child, session)
    return relation


def _columns(relation: Relation, session: Session) -> list[str] | None:
    """The relation's columns, None if it is wrong by itself."""
    try:
        if reads_stream(relation, session):
            return stream_schema(relation, session).names
        return session.engine.schema(relation).names
    except Exception:
        return None


def _sql_candidates(name: str, query: str, session: Session) -> list[str]:
    try:
        tree = sqlglot.parse_one(query, dialect="spark")
    except SqlglotError:
        return []
    for select in reversed(list(tree.find_all(exp.Select))):
        if any(_spelled(column) == name for column in select.find_all(exp.Column)):
            return _select_candidates(select, tree, qualified="`.`" in name, session=session)
    return []


def _select_candidates(select: exp.Select, tree: Any, *, qualified: bool, session: Session) -> list[str]:
    """The columns of what one SELECT reads, with their table's name if the user gave one."""
    sources = {key: value for key, value in select.args.items() if key in SOURCES}
    if not qualified:
        return [f"`{name}`" for name in _selected("*", sources, tree, session)]
    tables = [source for source in select.find_all(exp.Table, exp.Subquery) if source.parent_select is select]
    names = dict.fromkeys(table.alias_or_name for table in tables if table.alias_or_name)
    return [f"`{t}`.`{name}`" for t in names for name in _selected(f"`{t}`.*", sources, tree, session)]


def _selected(columns: str, sources: dict[str, Any], tree: Any, session: Session) -> list[str]:
    select = exp.Select(**sources).select(columns, dialect="spark", copy=False)
    for key in ("with", "with_"):
        if tree.args.get(key) is not None:
            select.set(key, tree.args[key])
    return _columns(Relation(sql=SQL(query=select.sql(dialect="spark"))), session) or []


def _spelled(column: exp.Column) -> str:
    return ".".join(f"`{part.name}`" for part in column.parts)


def _closest(name: str, candidates: list[str]) -> list[str]:
    return sorted(candidates, key=lambda candidate: _distance(candidate.lower(), name.lower()))[
        :PROPOSALS_MAX
    ]


def _distance(left: str, right: str) -> int:
    """Levenshtein's edit distance."""
    row = list(range(len(right) + 1))
    for i, a in enumerate(left, 1):
        previous, row[0] = row[0], i
        for j, b in enumerate(right, 1):
            previous, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, previous + (a != b))
    return row[-1]
