"""How each kind of relation changes the columns users see, over a scope that knows them all.

A rule gets a relation, its rewritten child and the child's scope; it gives the rewritten relation with its
own scope, or None where only the engine can tell the columns.
"""

from collections.abc import Callable
from dataclasses import replace

from pyspark.sql.connect.proto.expressions_pb2 import Expression
from pyspark.sql.connect.proto.relations_pb2 import Relation

from cauce.plan.build import alias, attribute, project, quoted
from cauce.plan.expression_text import function_name, output_name
from cauce.plan.scope import Column, Scope, fresh_name, parsed
from cauce.plan.tables import identifier_parts
from cauce.plan.walk import expressions, operands, replace_children, replace_expressions, walk_expression

__all__ = ["SCOPE_RULES", "Rule", "named_as", "over", "rewritten_by"]

Rule = Callable[[Relation, Relation, Scope], tuple[Relation, Scope] | None]

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


def rewritten_by(relation: Relation, scope: Scope) -> Relation:
    """The relation with its own references by the columns' own names."""
    return replace_expressions(relation, [scope.rewrite(part) for part in expressions(relation)])


def over(relation: Relation, child: Relation) -> Relation:
    return replace_children(relation, [child])


def named_as(expression: Expression, name: str, wanted: str) -> Expression:
    return expression if name == wanted else alias(expression, wanted)


def _transparent(relation: Relation, child: Relation, scope: Scope) -> tuple[Relation, Scope] | None:
    return over(rewritten_by(relation, scope), child), scope


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
    rewritten = replace_expressions(over(relation, child), expressions(relation))
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
    rewritten.CopyFrom(over(relation, child))
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
    rewritten.CopyFrom(over(relation, child))
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
    rewritten.CopyFrom(over(relation, child))
    rewritten.deduplicate.all_columns_as_keys = False
    del rewritten.deduplicate.column_names[:]
    rewritten.deduplicate.column_names.extend(keys)
    return rewritten, scope


def _collect_metrics(relation: Relation, child: Relation, scope: Scope) -> tuple[Relation, Scope] | None:
    pairs = [(scope.rewrite(metric), output_name(metric)) for metric in expressions(relation)]
    metrics = [named_as(rewritten, output_name(rewritten), name) for rewritten, name in pairs]
    return replace_expressions(over(relation, child), metrics), scope


SCOPE_RULES: dict[str, Rule] = {
    **dict.fromkeys(TRANSPARENT, _transparent),
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
            self.expressions.append(named_as(expression, output_name(expression), name))


def _is_opaque(part: Expression) -> bool:
    """Whether an expression may make several columns, or name columns in a way only the engine reads."""
    if part.HasField("unresolved_regex") or function_name(part) in GENERATORS:
        return True
    holds_star = any(operand.HasField("unresolved_star") for operand in operands(part))
    return holds_star and function_name(part) != "count"
