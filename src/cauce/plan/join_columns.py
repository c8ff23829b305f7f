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

from cauce.plan.build import alias, attribute, call, project, quoted
from cauce.plan.expression_text import function_name, output_name
from cauce.plan.join_filters import is_stream_stream_join
from cauce.plan.scope import Column, Scope, fresh_name, parsed
from cauce.plan.tables import identifier_parts
from cauce.plan.walk import (
    children,
    expressions,
    is_streaming,
    kind,
    plan_id,
    replace_children,
    replace_expressions,
    walk,
    walk_expression,
)

__all__ = ["name_join_columns"]

Schema = Callable[[Relation], StructType]

LEFT_ONLY = (Join.JOIN_TYPE_LEFT_SEMI, Join.JOIN_TYPE_LEFT_ANTI)

# These give their input's columns, and refer to them by expressions only.
TRANSPARENT = (
    "filter",
    "hint",
    "limit",
    "offset",
    "repartition",
    "repartition_by_expression",
    "sample",
    "sort",
    "tail",
)
# A call of one of these makes columns only the engine can count.
GENERATORS = (
    "explode", "explode_outer", "inline", "inline_outer", "json_tuple", "posexplode", "posexplode_outer",
    "stack",
)  # fmt: skip


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
        rule = RULES.get(name, _transparent if name in TRANSPARENT else None)
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
        over = replace_children(relation, [_closed(child, scope)])
        rewritten = _rewritten(over, plain)
        return rewritten, _named(self.schema(rewritten).names, relation)

    def _join(self, relation: Relation) -> tuple[Relation, Scope]:
        left, right = (self._side(side) for side in children(relation))
        left = _renamed(*left, taken=())
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
            scope = _named(self.schema(rewritten).names, rewritten)
        columns = (replace(c, frames={i: depth + 1 for i, depth in c.frames.items()}) for c in scope.columns)
        return rewritten, replace(scope, columns=tuple(columns))


def _named(names: Sequence[str], relation: Relation) -> Scope:
    """The scope of a relation whose columns are called what they are called."""
    frames, tables = _frames(relation), frozenset(_tables(relation))
    columns: list[Column] = []
    for shown in names:
        name = fresh_name(shown, [column.name for column in columns])
        columns.append(Column(name, shown, frames, tables))
    return Scope(tuple(columns), tuple(column.name for column in columns))


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
    """The relation with columns under names that nobody else in the join has."""
    names: list[str] = []
    for column in scope.columns:
        names.append(fresh_name(column.shown or column.name, [*taken, *names]))
    old = [column.name for column in scope.columns]
    if names == old and len(set(old)) == len(old) and all(c.shown == c.name for c in scope.columns):
        return relation, scope
    new = dict(zip(old, names, strict=True))
    columns = tuple(replace(column, name=new[column.name]) for column in scope.columns)
    renamed = Relation()
    renamed.to_df.input.CopyFrom(relation)
    renamed.to_df.column_names.extend(names)
    return renamed, Scope(columns, tuple(new[name] for name in scope.visible))


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
    return project(relation, [_as(attribute(c.name), c.name, c.shown) for c in scope.visible_columns])


def _plain_scope(scope: Scope) -> Scope:
    """The scope after `_closed`; of columns with one name only the first can be referred to."""
    columns = tuple(replace(column, name=column.shown) for column in scope.visible_columns)
    return Scope(columns, tuple(column.name for column in columns))


def _as(expression: Expression, name: str, wanted: str) -> Expression:
    return expression if name == wanted else alias(expression, wanted)


def _rewritten(relation: Relation, scope: Scope) -> Relation:
    """The relation with its own references by the columns' own names."""
    return replace_expressions(relation, [scope.rewrite(part) for part in expressions(relation)])


def _over(relation: Relation, child: Relation) -> Relation:
    return replace_children(relation, [child])


# -- one rule per kind of relation: (relation, its rewritten child, the child's scope) -> both, or None ----


def _transparent(relation: Relation, child: Relation, scope: Scope) -> tuple[Relation, Scope] | None:
    return _over(_rewritten(relation, scope), child), scope


def _project(relation: Relation, child: Relation, scope: Scope) -> tuple[Relation, Scope] | None:
    built = _Columns(scope)
    for expression in relation.project.expressions:
        if not built.add(expression):
            return None
    return project(child, built.expressions), built.scope


def _aggregate(relation: Relation, child: Relation, scope: Scope) -> tuple[Relation, Scope] | None:
    if relation.aggregate.HasField("pivot"):
        return None
    built = _Columns(scope)
    keys = len(relation.aggregate.grouping_expressions)
    wanted = [*relation.aggregate.grouping_expressions, *relation.aggregate.aggregate_expressions]
    if not all(built.add(expression) for expression in wanted):
        return None
    rewritten = replace_expressions(_over(relation, child), expressions(relation))
    copy = Relation()
    copy.CopyFrom(rewritten)
    for slot, new in zip(copy.aggregate.grouping_expressions, built.expressions[:keys], strict=True):
        slot.CopyFrom(new)
    for slot, new in zip(copy.aggregate.aggregate_expressions, built.expressions[keys:], strict=True):
        slot.CopyFrom(new)
    for grouping in copy.aggregate.grouping_sets:
        for slot in grouping.grouping_set:
            slot.CopyFrom(scope.rewrite(slot))
    return copy, built.scope


def _with_columns(relation: Relation, child: Relation, scope: Scope) -> tuple[Relation, Scope] | None:
    aliases: list[Expression.Alias] = []
    columns, visible = list(scope.columns), list(scope.visible)
    for given in relation.with_columns.aliases:
        seen = [(i, c) for i, c in enumerate(columns) if c.name in visible]
        replaced = [i for i, c in seen if c.is_called(given.name[0])]
        if not replaced:
            name = fresh_name(given.name[0], [column.name for column in columns])
            columns.append(Column(name, given.name[0]))
            visible.append(name)
            replaced = [len(columns) - 1]
        for i in replaced:
            columns[i] = Column(columns[i].name, given.name[0])
            new = Expression.Alias()
            new.CopyFrom(given)
            new.name[0] = columns[i].name
            new.expr.CopyFrom(scope.rewrite(given.expr))
            aliases.append(new)
    rewritten = Relation()
    rewritten.CopyFrom(_over(relation, child))
    del rewritten.with_columns.aliases[:]
    rewritten.with_columns.aliases.extend(aliases)
    return rewritten, Scope(tuple(columns), tuple(visible))


def _with_columns_renamed(relation: Relation, child: Relation, scope: Scope) -> tuple[Relation, Scope] | None:
    body = relation.with_columns_renamed
    new = {old.lower(): name for old, name in body.rename_columns_map.items()}
    new |= {rename.col_name.lower(): rename.new_col_name for rename in body.renames}
    columns = (
        Column(c.name, new[c.shown.lower()]) if c.name in scope.visible and c.shown.lower() in new else c
        for c in scope.columns
    )
    return child, replace(scope, columns=tuple(columns))


def _to_df(relation: Relation, child: Relation, scope: Scope) -> tuple[Relation, Scope] | None:
    if len(relation.to_df.column_names) != len(scope.visible):
        return None
    shown = dict(zip(scope.visible, relation.to_df.column_names, strict=True))
    columns = (Column(c.name, shown[c.name]) if c.name in shown else c for c in scope.columns)
    return child, replace(scope, columns=tuple(columns))


def _drop(relation: Relation, child: Relation, scope: Scope) -> tuple[Relation, Scope] | None:
    dropped = {c.name for name in relation.drop.column_names for c in scope.columns if c.is_called(name)}
    for expression in relation.drop.columns:
        found = scope.resolve(expression.unresolved_attribute)
        if found is not None:
            dropped.add(found[0].name)
    dropped &= set(scope.visible)
    # Still in the data, but without a name that a user could say.
    columns = (Column(c.name, "") if c.name in dropped else c for c in scope.columns)
    return child, Scope(tuple(columns), tuple(name for name in scope.visible if name not in dropped))


def _subquery_alias(relation: Relation, child: Relation, scope: Scope) -> tuple[Relation, Scope] | None:
    tables = frozenset([relation.subquery_alias.alias.lower()])
    return child, replace(scope, columns=tuple(replace(column, tables=tables) for column in scope.columns))


def _with_watermark(relation: Relation, child: Relation, scope: Scope) -> tuple[Relation, Scope] | None:
    reference = Expression.UnresolvedAttribute(unparsed_identifier=relation.with_watermark.event_time)
    found = scope.resolve(reference)
    rewritten = Relation()
    rewritten.CopyFrom(_over(relation, child))
    if found is not None:
        rewritten.with_watermark.event_time = quoted(found[0].name)
    return rewritten, scope


def _deduplicate(relation: Relation, child: Relation, scope: Scope) -> tuple[Relation, Scope] | None:
    wanted = relation.deduplicate.column_names
    everything = relation.deduplicate.all_columns_as_keys or not wanted
    keys = [
        column.name
        for column in scope.visible_columns
        if everything or any(column.is_called(identifier_parts(name)[-1]) for name in wanted)
    ]
    rewritten = Relation()
    rewritten.CopyFrom(_over(relation, child))
    rewritten.deduplicate.all_columns_as_keys = False
    del rewritten.deduplicate.column_names[:]
    rewritten.deduplicate.column_names.extend(keys)
    return rewritten, scope


def _collect_metrics(relation: Relation, child: Relation, scope: Scope) -> tuple[Relation, Scope] | None:
    pairs = [(scope.rewrite(metric), output_name(metric)) for metric in expressions(relation)]
    metrics = [_as(rewritten, output_name(rewritten), name) for rewritten, name in pairs]
    return replace_expressions(_over(relation, child), metrics), scope


RULES: dict[str, Callable[[Relation, Relation, Scope], tuple[Relation, Scope] | None]] = {
    "aggregate": _aggregate,
    "collect_metrics": _collect_metrics,
    "deduplicate": _deduplicate,
    "drop": _drop,
    "project": _project,
    "subquery_alias": _subquery_alias,
    "to_df": _to_df,
    "with_columns": _with_columns,
    "with_columns_renamed": _with_columns_renamed,
    "with_watermark": _with_watermark,
}


class _Columns:
    """The columns of a projection or aggregation while they are read one after the other."""

    def __init__(self, scope: Scope) -> None:
        self._below = scope
        self._columns: list[Column] = []
        self.expressions: list[Expression] = []

    @property
    def scope(self) -> Scope:
        return Scope(tuple(self._columns), tuple(column.name for column in self._columns))

    def add(self, expression: Expression) -> bool:
        """Take one item; False if only the engine can tell which columns it makes."""
        expression = parsed(expression)
        if expression.HasField("unresolved_star"):
            columns = self._below.star(expression.unresolved_star)
            for column in columns or ():
                self._append(attribute(column.name), column)
            return columns is not None
        if any(_is_opaque(part) for part in walk_expression(expression)):
            return False
        self._append(self._below.rewrite(expression), self._described(expression))
        return True

    def _described(self, expression: Expression) -> Column:
        """A column that is passed on is still the column of its frame; a computed one is new."""
        shown = output_name(expression)
        if expression.HasField("unresolved_attribute"):
            found = self._below.resolve(expression.unresolved_attribute)
            if found is not None and not found[1]:
                return replace(found[0], shown=found[0].shown)
        return Column(shown, shown)

    def _append(self, expression: Expression, column: Column) -> None:
        name = fresh_name(column.shown, [taken.name for taken in self._columns])
        self._columns.append(replace(column, name=name))
        if expression.HasField("alias"):
            renamed = Expression()
            renamed.CopyFrom(expression)
            renamed.alias.name[0] = name
            self.expressions.append(renamed)
        else:
            self.expressions.append(_as(expression, output_name(expression), name))


def _is_opaque(part: Expression) -> bool:
    """Whether an expression may make several columns, or name columns in a way only the engine reads."""
    return part.HasField("unresolved_regex") or function_name(part) in GENERATORS
