"""Which columns of a relation carry a watermark: those that are a watermarked column, or a window of one.

Spark keeps the delay in the column's metadata, which an alias copies and any computation loses; here
the same is told by reading the relation.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from pyspark.sql.connect.proto.expressions_pb2 import Expression
from pyspark.sql.connect.proto.relations_pb2 import Join, Relation

from cauce.plan.build import project
from cauce.plan.expression_strings import read_expression
from cauce.plan.expression_text import function_name, output_name
from cauce.plan.intervals import parse_watermark_delay_ms
from cauce.plan.tables import identifier_parts
from cauce.plan.walk import children, kind, walk, walk_expression, with_plan_ids
from cauce.plan.windows import SESSION_WINDOW_COLUMN, WINDOW_COLUMN

__all__ = ["EventTimes", "event_times"]

EventTimes = Mapping[str, int]
"""Column name -> the watermark's delay in milliseconds."""

WINDOWS = ("window", "session_window", "window_time")

# These give their (first) input's columns under their input's names.
TRANSPARENT = (
    "collect_metrics",
    "deduplicate",
    "drop_na",
    "fill_na",
    "filter",
    "hint",
    "limit",
    "offset",
    "repartition",
    "repartition_by_expression",
    "replace",
    "sample",
    "set_op",
    "sort",
    "subquery_alias",
    "tail",
    "to_schema",
    "with_relations",
)
JOINS = ("join", "lateral_join", "as_of_join")
LEFT_ONLY_JOINS = (Join.JOIN_TYPE_LEFT_SEMI, Join.JOIN_TYPE_LEFT_ANTI)


def event_times(
    relation: Relation,
    inputs: Mapping[str, EventTimes],
    columns: Callable[[Relation], Collection[str]],
    *,
    with_added: bool = True,
) -> dict[str, int]:
    """The watermarked columns of a relation over the named input leaves.

    `columns` tells the column names of a relation, asked only where columns are matched by position.
    Without `with_added`, columns made by `withColumn` carry none, as Spark sees them over Spark Connect.
    """
    return _Lineage(inputs, columns, with_added).of(relation)


@dataclass(frozen=True)
class _Lineage:
    inputs: Mapping[str, EventTimes]
    columns: Callable[[Relation], Collection[str]]
    with_added: bool

    def of(self, relation: Relation) -> dict[str, int]:
        """The watermarked columns of one relation of the plan."""
        match kind(relation):
            case "cached_remote_relation":
                return dict(self.inputs.get(relation.cached_remote_relation.relation_id, {}))
            case name if name in TRANSPARENT:
                return self.of(children(relation)[0])
            case name if name in JOINS:
                left_only = name == "join" and relation.join.join_type in LEFT_ONLY_JOINS
                sides = children(relation)[:1] if left_only else children(relation)
                return {column: delay for side in sides for column, delay in self.of(side).items()}
            case "aggregate":
                return self.of(project(relation.aggregate.input, relation.aggregate.grouping_expressions))
            case "project":
                return self._project(relation)
            case "with_columns":
                return self._with_columns(relation)
            case "with_watermark":
                name = identifier_parts(relation.with_watermark.event_time)[-1]
                delay_ms = parse_watermark_delay_ms(relation.with_watermark.delay_threshold)
                return {**self.of(relation.with_watermark.input), name: delay_ms}
            case "with_columns_renamed":
                return _renamed(relation, self.of(relation.with_columns_renamed.input))
            case "to_df":
                return self._to_df(relation)
            case "group_map":
                return self._group_map(relation)
            case "map_partitions" if relation.map_partitions.func.function_name.startswith("applied:"):
                return self.of(relation.map_partitions.input)  # Stages of pyspark.ml append columns.
            case "drop":
                dropped = {name.lower() for name in relation.drop.column_names}
                dropped |= {output_name(column).lower() for column in relation.drop.columns}
                carried = self.of(relation.drop.input)
                return {name: delay for name, delay in carried.items() if name.lower() not in dropped}
            case _:
                return {}

    def _group_map(self, relation: Relation) -> dict[str, int]:
        """transformWithState may name the event time of its output; the delay stays what it was."""
        body = relation.group_map
        name = body.transform_with_state_info.event_time_column_name
        below = (node for node in walk(body.input) if kind(node) == "with_watermark")
        delays = [parse_watermark_delay_ms(node.with_watermark.delay_threshold) for node in below]
        return {name: delays[0]} if name and delays else {}

    def _project(self, relation: Relation) -> dict[str, int]:
        child = relation.project.input
        found: dict[str, int] = {}
        for item in relation.project.expressions:
            expression = read_expression(item)
            if expression.HasField("unresolved_star"):
                found.update(self._star(expression.unresolved_star, child))
            elif (delay := self._delay(expression, child)) is not None:
                found[output_name(expression)] = delay
        return found

    def _star(self, star: Expression.UnresolvedStar, child: Relation) -> Mapping[str, int]:
        if star.HasField("plan_id"):
            return self._of_frame(star.plan_id, child)
        if not star.unparsed_target:
            return self.of(child)
        return self._of_table(identifier_parts(star.unparsed_target.removesuffix(".*"))[-1], child)

    def _with_columns(self, relation: Relation) -> dict[str, int]:
        child = relation.with_columns.input
        replaced = {column.name[0].lower() for column in relation.with_columns.aliases}
        found = {name: delay for name, delay in self.of(child).items() if name.lower() not in replaced}
        for column in relation.with_columns.aliases if self.with_added else ():
            if (delay := self._delay(read_expression(column.expr), child)) is not None:
                found[column.name[0]] = delay
        return found

    def _to_df(self, relation: Relation) -> dict[str, int]:
        carried = self.of(relation.to_df.input)
        if not carried:
            return {}
        pairs = zip(self.columns(relation.to_df.input), relation.to_df.column_names, strict=True)
        return {new: carried[old] for old, new in pairs if old in carried}

    def _delay(self, expression: Expression, child: Relation) -> int | None:
        """The delay this expression over `child` carries on, or None."""
        if expression.HasField("alias"):
            if list(expression.alias.name) in ([WINDOW_COLUMN], [SESSION_WINDOW_COLUMN]):
                # The window rule has turned the call into arithmetic on the time it was a window of.
                delays = (self._delay(part, child) for part in walk_expression(expression.alias.expr))
                return next((delay for delay in delays if delay is not None), None)
            return self._delay(expression.alias.expr, child)
        if function_name(expression) in WINDOWS and expression.unresolved_function.arguments:
            return self._delay(expression.unresolved_function.arguments[0], child)
        if expression.HasField("unresolved_attribute"):
            return self._attribute_delay(expression.unresolved_attribute, child)
        return None

    def _attribute_delay(self, attribute: Expression.UnresolvedAttribute, child: Relation) -> int | None:
        *qualifier, name = identifier_parts(attribute.unparsed_identifier)
        if qualifier:
            scope = self._of_table(qualifier[-1], child)
        elif attribute.HasField("plan_id"):
            scope = self._of_frame(attribute.plan_id, child)
        else:
            scope = self.of(child)
        return {column.lower(): delay for column, delay in scope.items()}.get(name.lower())

    def _of_table(self, name: str, child: Relation) -> Mapping[str, int]:
        """The columns of the table called `name` below; none if that is the name of a struct column."""
        for node in walk(child):
            if node.HasField("subquery_alias") and node.subquery_alias.alias.lower() == name.lower():
                return self.of(node)
        return {}

    def _of_frame(self, plan_id: int, child: Relation) -> Mapping[str, int]:
        """The columns of the DataFrame an attribute was taken from (`df.ts`); only joins make it matter."""
        is_joined = any(kind(node) in JOINS for node in walk(child))
        frame = with_plan_ids(child).get(plan_id) if is_joined else None
        return self.of(child if frame is None else frame)


def _renamed(relation: Relation, carried: EventTimes) -> dict[str, int]:
    names = {old.lower(): new for old, new in relation.with_columns_renamed.rename_columns_map.items()}
    names |= {r.col_name.lower(): r.new_col_name for r in relation.with_columns_renamed.renames}
    return {names.get(name.lower(), name): delay for name, delay in carried.items()}
