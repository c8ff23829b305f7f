"""One SELECT as relations: filter, aggregation, projection, sort, in the order SQL means them."""

from collections.abc import Callable, Collection, Container, Mapping, Sequence
from dataclasses import dataclass, field, replace

from pyspark.sql.connect.proto.expressions_pb2 import Expression
from pyspark.sql.connect.proto.relations_pb2 import SQL, Aggregate, Deduplicate, Relation, Sort

from cauce.errors import AnalysisException, UnsupportedOperationException
from cauce.plan.aggregates import AGGREGATES
from cauce.plan.build import alias, attribute, extract, filter_by, project, string
from cauce.plan.expression_text import function_name, output_name, output_names, sql_text
from cauce.plan.sql_calls import NAMED_WINDOW
from cauce.plan.sql_grouping import group_type
from cauce.plan.sql_lowering import FILTER, lowered_inside, named_column
from cauce.plan.tables import identifier_parts
from cauce.plan.walk import children, kind, operands, replace_operands, transform_expression, walk_expression

__all__ = ["STAR_EXCEPT", "Columns", "Select", "distinct", "selected"]

Columns = Callable[[Relation], Collection[str]]
"""Tells the column names of a relation."""

DOCS = "https://spark.apache.org/docs/4.2"

STAR_EXCEPT = "__cauce_star_except"  # a call that stands for all columns but those it names


@dataclass
class Select:
    """The clauses of one SELECT, as read."""

    items: list[Expression]
    source: Relation | None
    views: set[str] = field(default_factory=set)
    """The names of lateral views, which add columns to the source."""
    input_names: Container[str] | None = None
    """Lower-case column names of the source, if known."""
    is_distinct: bool = False
    where: Expression | None = None
    group_by: list[Expression] | None = None
    group_by_all: bool = False
    grouping_sets: list[list[Expression]] | None = None
    """The sets of keys that rows are grouped by, if there is not just one of all keys."""
    windows: dict[str, Expression.Window] = field(default_factory=dict)
    """Named windows, by lower-case name."""
    having: Expression | None = None
    order: list[Expression.SortOrder] = field(default_factory=list)

    @property
    def is_aggregation(self) -> bool:
        """Whether rows are grouped: a global aggregation if there is no GROUP BY."""
        if self.group_by is not None or self.group_by_all or self.having is not None:
            return True
        return any(has_aggregate(item) for item in self.items)


def selected(select: Select, columns: Columns | None) -> Relation:
    """The relation of one SELECT; `columns` tells the column names of its source."""
    relation = _selected(select, columns)
    if not select.is_distinct:
        return relation
    return distinct(relation, columns)


def distinct(relation: Relation, columns: Columns | None) -> Relation:
    """SQL's DISTINCT, which is an aggregation without functions: on a stream that is not `distinct()`."""
    names = columns(relation) if columns else []
    if not names or len({name.lower() for name in names}) < len(names):
        return Relation(deduplicate=Deduplicate(input=relation, all_columns_as_keys=True))
    keys = [attribute(name) for name in names]
    shape = Aggregate(input=relation, group_type=Aggregate.GROUP_TYPE_GROUPBY, grouping_expressions=keys)
    return Relation(aggregate=shape)


def _selected(select: Select, columns: Columns | None) -> Relation:
    # One row and no columns of interest: what a SELECT without FROM reads.
    source = select.source or Relation(sql=SQL(query="SELECT 1"))
    tables = qualifiers(source) | select.views
    select = replace(select, items=_expanded(select.items, source, columns))
    if any(has_named_window(item) for item in select.items):
        select = replace(select, items=[_with_windows(item, select.windows) for item in select.items])
    if kind(source) == "project":  # a lateral view: a projection forgets which table its columns came from
        select = _without_qualifiers(select, tables)
    if columns is not None and any(item.HasField("alias") for item in select.items):
        known = {name.lower() for name in columns(source)}
        select = replace(select, input_names=known, items=_with_earlier_aliases(select.items, known))
    if select.where is not None:
        source = filter_by(source, lowered_inside(select.where))
    if select.is_aggregation:
        return _aggregated(select, source, tables)
    relation = project(source, [named_column(item, tables) for item in select.items])
    return _sorted(relation, [_by_output(order, select.items, tables) for order in select.order])


def _expanded(items: Sequence[Expression], source: Relation, columns: Columns | None) -> list[Expression]:
    """The items, `* EXCEPT (..)` as the columns that it means."""
    found: list[Expression] = []
    for item in items:
        if function_name(item) != STAR_EXCEPT:
            found.append(item)
            continue
        if columns is None:
            raise UnsupportedOperationException(None, "* EXCEPT (..) is not supported here.")
        left_out = {name.literal.string.lower() for name in item.unresolved_function.arguments}
        found += [attribute(name) for name in columns(source) if name.lower() not in left_out]
    return found


def has_named_window(expression: Expression) -> bool:
    return any(function_name(part) == NAMED_WINDOW for part in walk_expression(expression))


def _with_windows(item: Expression, windows: Mapping[str, Expression.Window]) -> Expression:
    """The item, every `OVER name` with the definition of that name."""

    def defined(part: Expression) -> Expression:
        if not part.HasField("window") or not has_named_window(part):
            return part
        name = part.window.partition_spec[0].unresolved_function.arguments[0].literal.string
        if name.lower() not in windows:
            raise AnalysisException("MISSING_WINDOW_SPECIFICATION", windowName=name, docroot=DOCS)
        found = Expression(window=windows[name.lower()])
        found.window.window_function.CopyFrom(part.window.window_function)
        return found

    return transform_expression(item, defined)


def has_aggregate(expression: Expression) -> bool:
    """Whether the expression calls an aggregate function (window functions do not aggregate rows)."""
    if expression.HasField("window"):
        return False
    return _is_aggregate(expression) or any(has_aggregate(operand) for operand in operands(expression))


def qualifiers(relation: Relation) -> set[str]:
    """The table names by which columns of this relation can be qualified."""
    match kind(relation):
        case "subquery_alias":
            return {relation.subquery_alias.alias}
        case "join" | "lateral_join" | "project":
            return {name for child in children(relation) for name in qualifiers(child)}
        case _:
            return set()


def _is_aggregate(expression: Expression) -> bool:
    return function_name(expression) in AGGREGATES or function_name(expression) == FILTER


def _without_qualifiers(select: Select, tables: set[str]) -> Select:
    """The clauses with `table.column` as `column`."""

    def bare(part: Expression) -> Expression:
        return _unqualified(part, tables)

    return replace(
        select,
        items=[transform_expression(item, bare) for item in select.items],
        where=select.where and transform_expression(select.where, bare),
        group_by=select.group_by and [transform_expression(key, bare) for key in select.group_by],
        having=select.having and transform_expression(select.having, bare),
        order=[_reordered(order, transform_expression(order.child, bare)) for order in select.order],
    )


def _unqualified(part: Expression, tables: Container[str]) -> Expression:
    if not part.HasField("unresolved_attribute"):
        return part
    parts = identifier_parts(part.unresolved_attribute.unparsed_identifier)
    return attribute(*parts[1:]) if len(parts) > 1 and parts[0] in tables else part


def _reordered(order: Expression.SortOrder, child: Expression) -> Expression.SortOrder:
    return Expression.SortOrder(child=child, direction=order.direction, null_ordering=order.null_ordering)


def _sorted(relation: Relation, order: Sequence[Expression.SortOrder]) -> Relation:
    return Relation(sort=Sort(input=relation, order=order, is_global=True)) if order else relation


def _position(expression: Expression, condition: str, size: int) -> int | None:
    """The select item a number in GROUP BY or ORDER BY means."""
    if not expression.literal.HasField("integer"):
        return None
    position = expression.literal.integer
    if not 1 <= position <= size:
        raise AnalysisException(condition, index=position, size=size)
    return position - 1


def _named_item(expression: Expression, items: Sequence[Expression]) -> Expression | None:
    """The select item whose alias this is."""
    if not expression.HasField("unresolved_attribute"):
        return None
    parts = identifier_parts(expression.unresolved_attribute.unparsed_identifier)
    for item in items:
        if item.HasField("alias") and [item.alias.name[0].lower()] == [part.lower() for part in parts]:
            return item
    return None


def _by_output(
    order: Expression.SortOrder, items: Sequence[Expression], tables: set[str]
) -> Expression.SortOrder:
    """An order over the projection: a number means the column at that place."""
    at = _position(order.child, "ORDER_BY_POS_OUT_OF_RANGE", len(items))
    child = lowered_inside(order.child) if at is None else attribute(output_name(items[at], tables))
    return _reordered(order, child)


def _aggregated(select: Select, source: Relation, tables: set[str]) -> Relation:
    """Aggregate, then HAVING, ORDER BY and the select list over its columns."""
    grouping = _Grouping(select.items, tables)
    for key in _grouping_keys(select):
        grouping.add_key(key)
    items = [grouping.over(_unaliased(item)) for item in select.items]
    having = select.having and grouping.over(select.having)
    order = [
        _reordered(order, _by_aggregate(order.child, select.items, items, grouping)) for order in select.order
    ]
    relation = Relation(
        aggregate=Aggregate(
            input=source,
            group_type=group_type(select.group_by or (), select.grouping_sets),
            grouping_expressions=[_named(lowered_inside(key), name) for key, name in grouping.keys],
            grouping_sets=_grouping_sets(select, grouping),
            aggregate_expressions=[
                _named(lowered_inside(call), name) for call, name in grouping.calls.values()
            ],
        )
    )
    if having is not None:
        relation = filter_by(relation, lowered_inside(having))
    relation = _sorted(relation, order)
    columns = [
        _named(lowered_inside(new), *output_names(old, tables))
        for new, old in zip(items, select.items, strict=True)
    ]
    outputs = [attribute(name) for name in grouping.outputs]
    return relation if columns == outputs else project(relation, columns)


def _grouping_sets(select: Select, grouping: "_Grouping") -> list[Aggregate.GroupingSets]:
    """The sets, by the keys as the aggregation spells them."""
    if group_type(select.group_by or (), select.grouping_sets) != Aggregate.GROUP_TYPE_GROUPING_SETS:
        return []
    keys = dict(zip(map(sql_text, select.group_by or ()), grouping.keys, strict=True))
    return [
        Aggregate.GroupingSets(
            grouping_set=[_named(lowered_inside(key), name) for key, name in (keys[sql_text(k)] for k in one)]
        )
        for one in select.grouping_sets or ()
    ]


def _by_aggregate(
    order: Expression, items: Sequence[Expression], rewritten: Sequence[Expression], grouping: "_Grouping"
) -> Expression:
    at = _position(order, "ORDER_BY_POS_OUT_OF_RANGE", len(items))
    return lowered_inside(grouping.over(order) if at is None else rewritten[at])


def _grouping_keys(select: Select) -> list[Expression]:
    """What GROUP BY means, numbers and aliases replaced by the expressions they stand for."""
    if select.group_by_all:
        return [_unaliased(item) for item in select.items if not has_aggregate(item)]
    return [_grouping_key(key, select.items, select.input_names) for key in select.group_by or ()]


def _grouping_key(
    key: Expression, items: Sequence[Expression], input_names: Container[str] | None
) -> Expression:
    at = _position(key, "GROUP_BY_POS_OUT_OF_RANGE", len(items))
    if at is not None:
        return _unaliased(items[at])
    item = _named_item(key, items)
    if item is None:
        return key
    if input_names is not None:
        is_column = item.alias.name[0].lower() in input_names
    else:  # `a + 1 AS a` shows that there is such a column
        is_column = any(part == key for part in walk_expression(item.alias.expr))
    return key if is_column else item.alias.expr


def _with_earlier_aliases(items: Sequence[Expression], input_names: Container[str]) -> list[Expression]:
    """The items, with names that only an earlier item of the list has replaced by its expression."""
    earlier: dict[str, Expression] = {}

    def resolved(part: Expression) -> Expression:
        if not part.HasField("unresolved_attribute"):
            return part
        first, *fields = identifier_parts(part.unresolved_attribute.unparsed_identifier)
        value = earlier.get(first.lower())
        if value is None:
            return part
        for name in fields:
            value = extract(value, string(name))
        return value

    found = []
    for item in items:
        new = transform_expression(item, resolved)
        found.append(new if new is item or new.HasField("alias") else alias(new, output_name(item)))
        if item.HasField("alias") and item.alias.name[0].lower() not in input_names:
            earlier.setdefault(item.alias.name[0].lower(), found[-1].alias.expr)
    return found


def _unaliased(item: Expression) -> Expression:
    return item.alias.expr if item.HasField("alias") else item


def _named(expression: Expression, *names: str) -> Expression:
    """The expression under a name, said outright only if it is not a column of that name."""
    is_column = expression.HasField("unresolved_attribute")
    return expression if is_column and output_names(expression) == list(names) else alias(expression, *names)


class _Grouping:
    """The keys and aggregate calls of one aggregation, each under a name of its own."""

    def __init__(self, items: Sequence[Expression], tables: set[str]) -> None:
        self.keys: list[tuple[Expression, str]] = []
        self.calls: dict[str, tuple[Expression, str]] = {}
        self._tables = tables
        self._key_names: dict[str, str] = {}
        self._items = items
        # What the user calls an expression is the best name for its column.
        self._aliases = {
            self._text(item.alias.expr): item.alias.name[0] for item in items if item.HasField("alias")
        }

    @property
    def outputs(self) -> list[str]:
        """The names of the aggregation's columns."""
        return [name for _, name in self.keys] + [name for _, name in self.calls.values()]

    def add_key(self, key: Expression) -> None:
        name = self._fresh(self._aliases.get(self._text(key)) or output_name(key, self._tables))
        self.keys.append((key, name))
        self._key_names.setdefault(sql_text(key), name)
        self._key_names.setdefault(self._text(key), name)

    def over(self, expression: Expression) -> Expression:
        """The expression over the aggregation's columns."""
        name = self._key_names.get(sql_text(expression)) or self._key_names.get(self._text(expression))
        if name is not None:
            return attribute(name)
        if _is_aggregate(expression):
            return attribute(self._call_name(expression))
        if expression.HasField("unresolved_attribute"):
            return self._column(expression)
        if expression.HasField("window"):
            return self._window(expression)
        return replace_operands(expression, [self.over(operand) for operand in operands(expression)])

    def _call_name(self, call: Expression) -> str:
        text = self._text(call)
        if text not in self.calls:
            name = self._aliases.get(text) or output_name(call, self._tables)
            self.calls[text] = (call, self._fresh(name))
        return self.calls[text][1]

    def _column(self, column: Expression) -> Expression:
        """A field of a key (`window.start`), or the alias of a select item."""
        bare = _unqualified(column, self._tables)
        parts = identifier_parts(bare.unresolved_attribute.unparsed_identifier)
        for key, name in self.keys:
            if parts[0].lower() in (name.lower(), output_name(key).lower()):
                return attribute(name, *parts[1:])
        if (item := _named_item(column, self._items)) is not None:
            return self.over(item.alias.expr)
        name = ".".join(parts)
        raise AnalysisException(
            "MISSING_AGGREGATION", expression=f'"{name}"', expressionAnyValue=f'"any_value({name})"'
        )

    def _window(self, expression: Expression) -> Expression:
        """A window function runs over the groups: only what is inside its call is an aggregate of rows."""
        function, *rest = operands(expression)
        inner = replace_operands(function, [self.over(operand) for operand in operands(function)])
        return replace_operands(expression, [inner, *map(self.over, rest)])

    def _fresh(self, name: str) -> str:
        taken = {output.lower() for output in self.outputs}
        return name if name.lower() not in taken else f"{name}#{len(taken)}"

    def _text(self, expression: Expression) -> str:
        """The same for two spellings of one expression: qualifiers and letter case of columns aside."""
        return sql_text(transform_expression(expression, self._canonical))

    def _canonical(self, part: Expression) -> Expression:
        bare = _unqualified(part, self._tables)
        if not bare.HasField("unresolved_attribute"):
            return bare
        parts = identifier_parts(bare.unresolved_attribute.unparsed_identifier)
        return attribute(*(part.lower() for part in parts))
