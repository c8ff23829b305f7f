"""Rule: above a join of two streams every column has a name of its own, and references use it.

A stream-stream join becomes an operator, which gives one table: the frames and aliases below it, by
which users tell `clicks.ts` from `impressions.ts`, are not there any more when the engine
resolves what is above. So references are resolved here, as Spark's analyzer does by attribute ids,
and the names users know come back at the end. USING becomes an equality.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from pyspark.sql.connect.proto.expressions_pb2 import Expression
from pyspark.sql.connect.proto.relations_pb2 import Join, Relation
from pyspark.sql.types import StructType

from cauce.plan.build import alias, attribute, call, project
from cauce.plan.join_filters import is_stream_stream_join
from cauce.plan.scope import Column, Scope, fresh_name
from cauce.plan.scope_rules import SCOPE_RULES, named_as, rewritten_by
from cauce.plan.tables import identifier_parts
from cauce.plan.walk import (
    children,
    is_streaming,
    kind,
    plan_id,
    replace_children,
    walk,
)

__all__ = ["name_join_columns"]

Schema = Callable[[Relation], StructType]

LEFT_ONLY = (Join.JOIN_TYPE_LEFT_SEMI, Join.JOIN_TYPE_LEFT_ANTI)


def name_join_columns(relation: Relation, schema: Schema) -> Relation:
    """The plan with unique columns above its stream-stream joins; a plan without any comes back as it is."""
    if not any(is_stream_stream_join(node) for node in walk(relation)):
        return relation
    renamed, scope = _Renaming(schema).visit(relation)
    return renamed if scope is None else _closed(renamed, scope)


@dataclass(frozen=True)
class _Renaming:
    schema: Schema

    def visit(self, relation: Relation) -> tuple[Relation, Scope | None]:
        """The rewritten relation with its scope; None where no join is below and names are what they are."""
        if not any(kind(node) == "join" and is_streaming(node) for node in walk(relation)):
            return relation, None
        rewritten, scope = self._visit(relation)
        return rewritten, None if scope is None else scope.with_frame(plan_id(relation))

    def _visit(self, relation: Relation) -> tuple[Relation, Scope | None]:
        name = kind(relation)
        if name == "join":
            return self._join(relation)
        inputs = children(relation)
        rule = SCOPE_RULES.get(name)
        child, scope = self.visit(inputs[0]) if len(inputs) == 1 else (None, None)
        if child is not None and scope is not None:
            found = rule(relation, child, scope) if rule is not None else None
            return self._by_names(relation, child, scope) if found is None else found
        return replace_children(relation, [self._plain(part) for part in inputs]), None

    def _plain(self, relation: Relation) -> Relation:
        """A relation rewritten, with the names users know."""
        rewritten, scope = self.visit(relation)
        return rewritten if scope is None else _closed(rewritten, scope)

    def _by_names(self, relation: Relation, child: Relation, scope: Scope) -> tuple[Relation, Scope]:
        """A relation only the engine knows the columns of, over the names users know."""
        plain = scope if scope.is_plain else _plain_scope(scope)
        rewritten = rewritten_by(replace_children(relation, [_closed(child, scope)]), plain)
        return _named(rewritten, self.schema(rewritten).names, relation)

    def _join(self, relation: Relation) -> tuple[Relation, Scope]:
        left, right = (self._side(side) for side in children(relation))
        right = _renamed(*right, taken=[column.name for column in left[1].columns])
        both = Scope(left[1].columns + right[1].columns, left[1].visible + right[1].visible)
        joined = Relation()
        joined.CopyFrom(relation)
        joined.join.ClearField("using_columns")
        joined.join.left.CopyFrom(left[0])
        joined.join.right.CopyFrom(right[0])
        if relation.join.HasField("join_condition"):
            joined.join.join_condition.CopyFrom(both.rewrite(relation.join.join_condition))
        if relation.join.using_columns:
            return _using(joined, relation.join.using_columns, left[1], right[1])
        return joined, left[1] if relation.join.join_type in LEFT_ONLY else both

    def _side(self, relation: Relation) -> tuple[Relation, Scope]:
        rewritten, scope = self.visit(relation)
        if scope is None:
            rewritten, scope = _named(rewritten, self.schema(rewritten).names, rewritten)
        columns = (replace(c, frames={i: depth + 1 for i, depth in c.frames.items()}) for c in scope.columns)
        return rewritten, replace(scope, columns=tuple(columns))


def _named(relation: Relation, names: Sequence[str], original: Relation) -> tuple[Relation, Scope]:
    """A relation as the engine knows it, with columns of one name told apart by position."""
    frames, tables = _frames(original), frozenset(_tables(original))
    columns: list[Column] = []
    for shown in names:
        name = fresh_name(shown, [column.name for column in columns])
        columns.append(Column(name, shown, frames, tables))
    scope = Scope(tuple(columns), tuple(column.name for column in columns))
    return (relation if scope.is_plain else _to_df(relation, scope.visible)), scope


def _frames(relation: Relation, depth: int = 0) -> dict[int, int]:
    """The ids of all frames in a relation, and how deep they are at least."""
    found: dict[int, int] = {}
    for child in children(relation):
        for identifier, below in _frames(child, depth + 1).items():
            found[identifier] = min(below, found.get(identifier, below))
    identifier = plan_id(relation)
    return found if identifier is None else {**found, identifier: depth}


def _tables(relation: Relation) -> set[str]:
    """The aliases that qualify a relation's columns."""
    match kind(relation):
        case "subquery_alias":
            return {relation.subquery_alias.alias.lower()}
        case "read" if relation.read.HasField("named_table"):
            return {identifier_parts(relation.read.named_table.unparsed_identifier)[-1].lower()}
        case "aggregate":
            return set()
    inputs = children(relation)
    return _tables(inputs[0]) if len(inputs) == 1 else set()


def _renamed(relation: Relation, scope: Scope, taken: Sequence[str]) -> tuple[Relation, Scope]:
    """The relation with columns under names that the other side of the join does not have."""
    used = {name.lower() for name in taken}
    if not any(column.name.lower() in used for column in scope.columns):
        return relation, scope
    names = {column.name: column.name for column in scope.columns if column.name.lower() not in used}
    for column in scope.columns:
        if column.name not in names:
            names[column.name] = fresh_name(column.shown or column.name, [*taken, *names.values()])
    columns = tuple(replace(column, name=names[column.name]) for column in scope.columns)
    renamed = _to_df(relation, [column.name for column in columns])
    return renamed, Scope(columns, tuple(names[name] for name in scope.visible))


def _to_df(relation: Relation, names: Sequence[str]) -> Relation:
    renamed = Relation()
    renamed.to_df.input.CopyFrom(relation)
    renamed.to_df.column_names.extend(names)
    return renamed


def _using(joined: Relation, names: Sequence[str], left: Scope, right: Scope) -> tuple[Relation, Scope]:
    """A join by equal columns of one name: users see one of each pair, first of all columns."""
    pairs = [(_must_find(left, name), _must_find(right, name)) for name in names]
    for one, other in pairs:
        _add_condition(joined, call("=", attribute(one.name), attribute(other.name)))
    if joined.join.join_type in LEFT_ONLY:
        chosen = [one for one, _ in pairs]
        rest = [name for name in left.visible if name not in {column.name for column in chosen}]
        return joined, Scope(left.columns, (*(column.name for column in chosen), *rest))
    columns = list(left.columns + right.columns)
    match joined.join.join_type:
        case Join.JOIN_TYPE_FULL_OUTER:
            joined, chosen = _coalesced(joined, columns, pairs)
        case Join.JOIN_TYPE_RIGHT_OUTER:
            chosen = [other for _, other in pairs]
        case _:
            chosen = [one for one, _ in pairs]
    paired = {column.name for pair in pairs for column in pair}
    rest = [name for name in (*left.visible, *right.visible) if name not in paired]
    return joined, Scope(tuple(columns), (*(column.name for column in chosen), *rest))


def _coalesced(
    joined: Relation, columns: list[Column], pairs: Sequence[tuple[Column, Column]]
) -> tuple[Relation, list[Column]]:
    """A projection that adds the key of whichever side has a row; `columns` grows by the keys."""
    kept = [attribute(column.name) for column in columns]
    keys = []
    for one, other in pairs:
        key = Column(fresh_name(one.shown, [column.name for column in columns]), one.shown)
        value = call("coalesce", attribute(one.name), attribute(other.name))
        kept.append(alias(value, key.name))
        columns.append(key)
        keys.append(key)
    return project(joined, kept), keys


def _must_find(scope: Scope, name: str) -> Column:
    from cauce.errors import AnalysisException

    found = scope.find(name)
    if found is None:
        suggestion = ", ".join(f"`{column.shown}`" for column in scope.visible_columns)
        raise AnalysisException(
            "UNRESOLVED_USING_COLUMN_FOR_JOIN", colName=f"`{name}`", side="left", suggestion=suggestion
        )
    return found


def _add_condition(joined: Relation, predicate: Expression) -> None:
    join = joined.join
    if join.HasField("join_condition"):
        predicate = call("and", join.join_condition, predicate)
    join.join_condition.CopyFrom(predicate)


def _closed(relation: Relation, scope: Scope) -> Relation:
    """The relation with the columns users see, under the names they know."""
    if scope.is_plain:
        return relation
    return project(relation, [named_as(attribute(c.name), c.name, c.shown) for c in scope.visible_columns])


def _plain_scope(scope: Scope) -> Scope:
    """The scope after `_closed`; of columns with one name only the first can be referred to."""
    columns = tuple(replace(column, name=column.shown) for column in scope.visible_columns)
    return Scope(columns, tuple(column.name for column in columns))
