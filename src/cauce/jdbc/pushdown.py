"""Reads of tables in a plan: the columns, conditions and limits right above one are left to the database."""

import contextlib
from collections.abc import Iterable
from dataclasses import dataclass, replace

from pyspark.sql.connect.proto import Aggregate, Expression, Relation

from cauce.engine import EngineSession
from cauce.jdbc.predicates import conjuncts, mentioned, sql_condition
from cauce.jdbc.read import TableScan, open_scan, with_custom_schema
from cauce.plan.expression_strings import read_expression
from cauce.plan.walk import children, kind

__all__ = ["is_jdbc", "read_jdbc_tables"]


@dataclass(frozen=True)
class Wanted:
    """What the relations above a read need of it."""

    columns: frozenset[str] | None = None
    """Lower-case names; None is all."""
    conditions: tuple[Expression, ...] = ()
    limit: int | None = None

    def and_columns(self, expressions: Iterable[Expression]) -> "Wanted":
        if self.columns is None:
            return self
        names = _names(expressions)
        return replace(self, columns=None if names is None else self.columns | names)


ALL = Wanted()


def is_jdbc(relation: Relation) -> bool:
    """Whether it is a batch read by `format("jdbc")`."""
    read = relation.read
    return kind(relation) == "read" and not read.is_streaming and read.data_source.format.lower() == "jdbc"


def read_jdbc_tables(relation: Relation, engine: EngineSession, lease: contextlib.ExitStack) -> None:
    """Replace, in place, every such read of the plan by rows that the engine fetches when it runs."""
    _visit(relation, ALL, engine, lease)


def _visit(node: Relation, wanted: Wanted, engine: EngineSession, lease: contextlib.ExitStack) -> None:
    if is_jdbc(node):
        _replace(node, wanted, engine, lease)
        return
    below = _below(node, wanted)
    for child in children(node):
        _visit(child, below, engine, lease)


def _below(node: Relation, wanted: Wanted) -> Wanted:
    """What a relation needs of the one it reads, given what is needed of itself."""
    match kind(node):
        case "filter":
            condition = read_expression(node.filter.condition)
            above = replace(wanted.and_columns([condition]), limit=None)
            return replace(above, conditions=(*wanted.conditions, *conjuncts(condition)))
        case "project":
            names = _names(node.project.expressions)
            return Wanted(names, (), None if _generates(node) else wanted.limit)
        case "aggregate" if node.aggregate.group_type == Aggregate.GROUP_TYPE_GROUPBY:
            asked = (*node.aggregate.grouping_expressions, *node.aggregate.aggregate_expressions)
            return Wanted(_names(asked))
        case "subquery_alias":
            return wanted
        case "limit":
            return Wanted(wanted.columns, (), _least(node.limit.limit, wanted.limit))
        case "show_string":
            return Wanted(limit=node.show_string.num_rows + 1)
    return ALL


def _replace(node: Relation, wanted: Wanted, engine: EngineSession, lease: contextlib.ExitStack) -> None:
    source = node.read.data_source
    scan = open_scan(dict(source.options), list(source.predicates), engine.time_zone)
    relation = _pushed(scan, wanted).relation(engine, lease)
    relation = with_custom_schema(_pushed(scan, wanted), relation, engine)
    if node.common.HasField("plan_id"):
        relation.common.plan_id = node.common.plan_id
    node.CopyFrom(relation)


def _pushed(scan: TableScan, wanted: Wanted) -> TableScan:
    if scan.options.get("customSchema"):
        return scan  # Conditions are about the types the user named, not those of the table.
    where: tuple[str, ...] = ()
    if scan.options.flag("pushDownPredicate", True):
        found = [sql_condition(part, scan.columns, scan.dialect) for part in wanted.conditions]
        where = tuple(filter(None, found))
    pushed = replace(scan, where=where)
    if wanted.limit is not None and not wanted.conditions and scan.options.flag("pushDownLimit", True):
        pushed = replace(pushed, limit=wanted.limit)
    return pushed if wanted.columns is None else pushed.select(sorted(wanted.columns))


def _names(expressions: Iterable[Expression]) -> frozenset[str] | None:
    found: set[str] = set()
    for expression in expressions:
        names = mentioned(read_expression(_counted(expression)))
        if names is None:
            return None
        found.update(name.lower() for name in names)
    return frozenset(found)


def _counted(expression: Expression) -> Expression:
    """count(*) needs no column."""
    function = expression.alias.expr if expression.HasField("alias") else expression
    is_count = function.unresolved_function.function_name.lower() == "count"
    if is_count and any(each.HasField("unresolved_star") for each in function.unresolved_function.arguments):
        return Expression(literal=Expression.Literal(boolean=True))
    return expression


GENERATORS = ("explode", "posexplode", "inline", "stack", "json_tuple", "flatten", "udtf")


def _generates(node: Relation) -> bool:
    """Whether a projection may give fewer or more rows than it reads."""
    texts = [str(expression) for expression in node.project.expressions]
    return any(name in text for text in texts for name in GENERATORS)


def _least(left: int, right: int | None) -> int:
    return left if right is None else min(left, right)
