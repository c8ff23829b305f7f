"""Planning a join of two streams: keys and conditions computed by each side, the rest left to the operator.

The rule `name_join_columns` has seen to it that no two columns of the sides have one name, and that
the condition refers to them by these names alone.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import reduce
from typing import TYPE_CHECKING

import pyarrow as pa
from pyspark.sql.connect.proto import Expression, Join, Relation
from pyspark.sql.connect.types import pyspark_types_to_proto_types
from pyspark.sql.pandas.types import to_arrow_schema
from pyspark.sql.types import DataType, StructType, TimestampNTZType, TimestampType

from cauce.engine import input_leaf
from cauce.engine.substitute import Template
from cauce.plan.build import alias, attribute, call, filter_by, integer, project
from cauce.plan.expression_text import function_name, output_name
from cauce.plan.join_filters import NONDETERMINISTIC, is_stream_stream_join
from cauce.plan.tables import identifier_parts
from cauce.plan.time import BatchTime
from cauce.plan.walk import kind, transform_expression, walk_expression
from cauce.streaming.operators import JoinType, StreamingJoin
from cauce.streaming.operators.join import ONLY_LEFT
from cauce.streaming.operators.join_condition import AllOf, PairCondition, TimeRange
from cauce.streaming.operators.join_input import JoinInput
from cauce.streaming.planner.join_constraints import JoinSide, conjuncts, difference, equal_pairs
from cauce.streaming.planner.join_node import PAIR, PAIRS, EngineCondition, JoinNode
from cauce.streaming.planner.nodes import Node, SelectNode
from cauce.streaming.planner.source_leaf import is_source
from cauce.streaming.planner.state_watermark import WATERMARK_ITSELF, constant_us, state_bounds

if TYPE_CHECKING:
    from cauce.streaming.planner.cut import Cutter

__all__ = ["picks_joined_columns", "plan_join", "plan_picked_columns"]

JOIN_TYPES: dict[int, JoinType] = {
    Join.JOIN_TYPE_INNER: "inner",
    Join.JOIN_TYPE_CROSS: "inner",
    Join.JOIN_TYPE_LEFT_OUTER: "left",
    Join.JOIN_TYPE_RIGHT_OUTER: "right",
    Join.JOIN_TYPE_FULL_OUTER: "full",
    Join.JOIN_TYPE_LEFT_SEMI: "semi",
    Join.JOIN_TYPE_LEFT_ANTI: "anti",
}

DROPS_LEFT = ("inner", "right", "semi")
"""Joins that never give a left row without a partner."""
DROPS_RIGHT = ("inner", "left", "semi", "anti")

PASSES = "__cauce_passes"


def picks_joined_columns(relation: Relation) -> bool:
    """Whether it is nothing but a choice of a stream-stream join's columns: too little for the engine."""
    return is_stream_stream_join(relation.project.input) and all(map(_picked, relation.project.expressions))


def plan_picked_columns(cutter: "Cutter", relation: Relation) -> Node:
    """The columns of a join under other names."""
    child = cutter.cut(relation.project.input)
    columns = [pair for e in relation.project.expressions if (pair := _picked(e)) is not None]
    known = {name.lower() for name in child.schema.names}
    if any(source.lower() not in known for source, _ in columns):
        # The engine says in Spark's words what is missing.
        return cutter.fragment(project(input_leaf("input0"), relation.project.expressions), {"input0": child})
    return _select(child, columns)


def plan_join(cutter: "Cutter", relation: Relation) -> Node:
    """The nodes of one join of two streams."""
    join = relation.join
    left, right = _Side.of(cutter, join.left), _Side.of(cutter, join.right)
    how = JOIN_TYPES[join.join_type]
    predicates = _Predicates.split(conjuncts(join.join_condition), left, right)
    if how in DROPS_LEFT:
        left.passes += _inferred(predicates, left, right)
    if how in DROPS_RIGHT:
        right.passes += _inferred(predicates, right, left)
    if not predicates.equal:  # Only under the relaxed conf: every row may meet every other.
        predicates.add_key(integer(0), integer(0), left, right)
    _agree_on_types(cutter, predicates.equal, left, right)
    left_node, right_node = left.plan(cutter), right.plan(cutter)
    left_facts, right_facts = left.facts(left_node), right.facts(right_node)
    key = _event_time_key(left, right, left_facts, right_facts)
    bounds = [WATERMARK_ITSELF] if key is not None else None
    left_bounds = bounds or state_bounds(predicates.rest, left_facts, by=right_facts)
    right_bounds = bounds or state_bounds(predicates.rest, right_facts, by=left_facts)
    schema = _output_schema(how, left.schema, right.schema)
    condition, in_engine = _pair_condition(cutter, predicates.pairs, [left, right])
    operator = StreamingJoin(
        how,
        left.described(cutter, left_node, left_facts, key, is_bounded=bool(left_bounds)),
        right.described(cutter, right_node, right_facts, key, is_bounded=bool(right_bounds)),
        condition,
        to_arrow_schema(schema, timezone=cutter.engine.time_zone),
    )
    node = JoinNode(
        len(cutter.stateful), left_node, right_node, operator, schema, left_bounds, right_bounds, in_engine
    )
    cutter.stateful.append(node)
    return node


@dataclass
class _Side:
    """One side while it is planned: its relation, the columns it gives, and what is computed for the join."""

    relation: Relation
    source: Relation
    """What `relation` chooses its columns from, if it does nothing else; else `relation` itself."""
    columns: list[tuple[str, str]]
    """(column of `source`, name) of each column."""
    schema: StructType
    keys: list[Expression] = field(default_factory=list)
    null_safe: list[bool] = field(default_factory=list)
    passes: list[Expression] = field(default_factory=list)

    @classmethod
    def of(cls, cutter: "Cutter", relation: Relation) -> "_Side":
        source, columns = _chosen_columns(cutter, relation)
        return cls(relation, source, columns, cutter.twin.schema(relation))

    @property
    def owner(self) -> JoinSide:
        return JoinSide(Relation(), self.schema.names, ())

    def facts(self, node: Node) -> JoinSide:
        """The side as the constraint finder sees it, with its watermarked columns."""
        return JoinSide(Relation(), self.schema.names, node.event_times)

    def key_column(self, position: int) -> str:
        """Where a key is found: the column it is, or one made for it."""
        key = self.keys[position]
        return output_name(key) if _is_column(key) else f"__cauce_key{position}"

    def plan(self, cutter: "Cutter") -> Node:
        """The side's rows with keys and conditions as columns; the engine is asked only for computed ones."""
        made = [alias(k, self.key_column(i)) for i, k in enumerate(self.keys) if not _is_column(k)]
        if self.passes:
            made.append(alias(reduce(lambda a, b: call("and", a, b), self.passes), PASSES))
        if made:
            return cutter.cut(project(self.relation, [*map(attribute, self.schema.names), *made]))
        if not is_source(self.source) and not cutter.is_boundary(self.source):
            return cutter.cut(self.relation)
        node = cutter.cut(self.source)
        is_all = self.columns == [(name, name) for name in node.schema.names]
        return node if is_all else _select(node, self.columns)

    def described(
        self, cutter: "Cutter", node: Node, facts: JoinSide, key: int | None, *, is_bounded: bool
    ) -> JoinInput:
        """What the operator is told about this side."""
        given = cutter.empty(node).schema
        keys = tuple(self.key_column(i) for i in range(len(self.keys)))
        event_time = next(iter(facts.event_times), None)
        eviction_time = keys[key] if key is not None else event_time
        return JoinInput(
            columns=pa.schema([given.field(name) for name in self.schema.names]),
            keys=keys,
            key_types=tuple(given.field(name).type for name in keys),
            null_safe=tuple(self.null_safe),
            event_time=event_time,
            eviction_time=eviction_time if is_bounded else None,
            passes=PASSES if self.passes else None,
        )


@dataclass
class _Predicates:
    """The condition in parts; keys and one-sided parts are handed to the sides."""

    equal: list[tuple[Expression, Expression]] = field(default_factory=list)
    rest: list[Expression] = field(default_factory=list)
    """Everything but the equalities."""
    pairs: list[Expression] = field(default_factory=list)
    """What needs both sides."""

    @classmethod
    def split(cls, condition: Iterable[Expression], left: _Side, right: _Side) -> "_Predicates":
        found = cls()
        for predicate in condition:
            pair = next(equal_pairs(predicate, left.owner, right.owner), None)
            if pair is not None:
                found.add_key(*pair, left, right, null_safe=function_name(predicate) == "<=>")
                continue
            found.rest.append(predicate)
            for side in (left, right):
                if _depends_only_on(predicate, side):
                    side.passes.append(predicate)
                    break
            else:
                found.pairs.append(predicate)
        return found

    def add_key(
        self,
        left_key: Expression,
        right_key: Expression,
        left: _Side,
        right: _Side,
        *,
        null_safe: bool = False,
    ) -> None:
        self.equal.append((left_key, right_key))
        for side, key in ((left, left_key), (right, right_key)):
            side.keys.append(key)
            side.null_safe.append(null_safe)


def _depends_only_on(predicate: Expression, side: _Side) -> bool:
    parts = list(walk_expression(predicate))
    if any(function_name(part) in NONDETERMINISTIC for part in parts):
        return False
    return all(side.owner.owns(part) for part in parts if part.HasField("unresolved_attribute"))


def _inferred(predicates: _Predicates, side: _Side, other: _Side) -> list[Expression]:
    """What the condition says of this side alone, keys being equal (Spark: InferFiltersFromConstraints)."""
    same = {
        output_name(theirs).lower(): own
        for own, theirs, null_safe in zip(side.keys, other.keys, side.null_safe, strict=True)
        if _is_column(own) and _is_column(theirs) and not null_safe
    }

    def own_column(part: Expression) -> Expression:
        return same.get(output_name(part).lower(), part) if _is_column(part) else part

    found = [(predicate, transform_expression(predicate, own_column)) for predicate in predicates.rest]
    return [said for given, said in found if said != given and _depends_only_on(said, side)]


def _agree_on_types(
    cutter: "Cutter", equal: Sequence[tuple[Expression, Expression]], left: _Side, right: _Side
) -> None:
    """Keys of different types are cast to the type in which the engine compares them."""
    for i, _ in enumerate(equal):
        types = [_type_of(cutter, side, side.keys[i]) for side in (left, right)]
        if types[0] == types[1]:
            continue
        both = StructType().add("l", types[0]).add("r", types[1])
        empty = to_arrow_schema(both, timezone=cutter.engine.time_zone).empty_table()
        common = project(input_leaf("input"), [alias(call("coalesce", attribute("l"), attribute("r")), "c")])
        wanted = cutter.engine.schema(common, {"input": empty})["c"].dataType
        for side, given in zip((left, right), types, strict=True):
            if given != wanted:
                side.keys[i] = _cast(side.keys[i], wanted)


def _type_of(cutter: "Cutter", side: _Side, key: Expression) -> DataType:
    if _is_column(key):
        return next(f.dataType for f in side.schema if f.name.lower() == output_name(key).lower())
    empty = to_arrow_schema(side.schema, timezone=cutter.engine.time_zone).empty_table()
    return cutter.engine.schema(project(input_leaf("input"), [alias(key, "k")]), {"input": empty})[
        "k"
    ].dataType


def _cast(expression: Expression, wanted: DataType) -> Expression:
    return Expression(cast=Expression.Cast(expr=expression, type=pyspark_types_to_proto_types(wanted)))


def _event_time_key(left: _Side, right: _Side, left_facts: JoinSide, right_facts: JoinSide) -> int | None:
    """The position of the key that carries a watermark, on either side."""
    for side, facts in ((left, left_facts), (right, right_facts)):
        for i, key in enumerate(side.keys):
            if facts.is_event_time(key):
                return i
    return None


def _pair_condition(
    cutter: "Cutter", predicates: Sequence[Expression], sides: Sequence[_Side]
) -> tuple[PairCondition | None, EngineCondition | None]:
    """The condition on pairs, and the part of it that the engine evaluates."""
    types = {f.name: f.dataType for side in sides for f in side.schema}
    ranges: list[PairCondition] = []
    others = []
    for predicate in predicates:
        found = _time_range(predicate, types)
        if found is None:
            others.append(predicate)
        else:
            ranges.append(found)
    in_engine = _engine_condition(cutter, others, sides) if others else None
    parts = ranges if in_engine is None else [*ranges, in_engine]
    if not parts:
        return None, None
    return (parts[0] if len(parts) == 1 else AllOf(tuple(parts))), in_engine


def _time_range(predicate: Expression, types: dict[str, DataType]) -> TimeRange | None:
    """The predicate as arithmetic on timestamps, if it is no more than that."""
    if any(part.HasField("cast") for part in walk_expression(predicate)):
        return None
    found = difference(predicate)
    if found is None:
        return None
    columns: list[tuple[str, int]] = []
    constant = 0
    kinds = set()
    for term, sign in found.terms:
        if term.HasField("literal"):
            if not term.literal.HasField("day_time_interval"):
                return None
            constant += sign * int(constant_us(term.literal) or 0)
            continue
        parts = identifier_parts(term.unresolved_attribute.unparsed_identifier)
        name = next((n for n in types if n.lower() == parts[0].lower()), None)
        if len(parts) != 1 or name is None or not isinstance(types[name], TimestampType | TimestampNTZType):
            return None
        kinds.add(type(types[name]))
        columns.append((name, sign))
    # Two columns of one kind, one on each side of the comparison: anything else is no range.
    if len(kinds) != 1 or sorted(sign for _, sign in columns) != [-1, 1]:
        return None
    return TimeRange(tuple(columns), constant, found.inclusive)


def _engine_condition(
    cutter: "Cutter", predicates: Sequence[Expression], sides: Sequence[_Side]
) -> EngineCondition:
    condition = reduce(lambda a, b: call("and", a, b), predicates)
    names = {name.lower(): name for side in sides for name in side.schema.names}
    parts = (p.unresolved_attribute for p in walk_expression(condition) if p.HasField("unresolved_attribute"))
    mentioned = (identifier_parts(part.unparsed_identifier)[0].lower() for part in parts)
    columns = list(dict.fromkeys(names[name] for name in mentioned if name in names))
    relation = project(filter_by(input_leaf(PAIRS), condition), [attribute(PAIR)])
    template = Template(relation)
    time = BatchTime.bind(template.relation, cutter.engine.time_zone)
    return EngineCondition(cutter.engine, columns, template, time)


def _output_schema(how: JoinType, left: StructType, right: StructType) -> StructType:
    schema = StructType()
    for side, may_miss in ((left, how in ("right", "full")), (right, how in ("left", "full"))):
        if side is left or how not in ONLY_LEFT:
            for column in side:
                schema.add(column.name, column.dataType, column.nullable or may_miss)
    return schema


def _is_column(expression: Expression) -> bool:
    """Whether it is a whole column, by its bare name."""
    if not expression.HasField("unresolved_attribute"):
        return False
    return len(identifier_parts(expression.unresolved_attribute.unparsed_identifier)) == 1


def _picked(expression: Expression) -> tuple[str, str] | None:
    """(column, output name) of an expression that is a whole column."""
    inner = expression.alias.expr if expression.HasField("alias") else expression
    if not _is_column(inner) or inner.unresolved_attribute.HasField("plan_id"):
        return None
    return output_name(inner), output_name(expression)


def _select(child: Node, columns: Sequence[tuple[str, str]]) -> SelectNode:
    by_name = {column.name.lower(): column for column in child.schema}
    schema = StructType()
    chosen = []
    for source, name in columns:
        found = by_name[source.lower()]
        chosen.append((found.name, name))
        schema.add(name, found.dataType, found.nullable)
    return SelectNode(child, tuple(chosen), schema)


def _chosen_columns(cutter: "Cutter", relation: Relation) -> tuple[Relation, list[tuple[str, str]]]:
    """The relation below renamings and choices of columns, and (column, name) of each one chosen."""
    if kind(relation) == "to_df":
        source, columns = _chosen_columns(cutter, relation.to_df.input)
        names = relation.to_df.column_names
        return source, [(column, name) for (column, _), name in zip(columns, names, strict=True)]
    if kind(relation) == "project" and all(map(_picked, relation.project.expressions)):
        source, columns = _chosen_columns(cutter, relation.project.input)
        by_name = {name.lower(): column for column, name in columns}
        picked = [pair for e in relation.project.expressions if (pair := _picked(e)) is not None]
        if len(by_name) == len(columns) and all(column.lower() in by_name for column, _ in picked):
            return source, [(by_name[column.lower()], name) for column, name in picked]
    names = cutter.twin.schema(relation).names
    return relation, [(name, name) for name in names]
