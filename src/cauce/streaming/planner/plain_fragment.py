"""Fragments so plain that Arrow computes them here: asking the engine would take longer than the work.

Above most watermarks lies a fragment that only picks columns and computes windows. It is flattened once,
into filters and columns over its one input; what is not understood makes the whole fragment the
engine's. The columns it needs are also all that has to be read of a file.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import pyarrow as pa
from pyspark.sql.connect.proto import Expression, Relation

from cauce.plan.expression_text import function_name, output_name
from cauce.plan.tables import identifier_parts
from cauce.plan.walk import kind, operands, plan_id
from cauce.streaming.operators.plain_functions import PLAIN_FUNCTIONS, NotPlainError, Value, as_column

__all__ = ["PlainFragment", "plain_fragment"]


@dataclass(frozen=True)
class Step:
    """One expression over the input's columns; equal texts are computed once a batch."""

    text: bytes
    columns: frozenset[str]
    compute: Callable[[Evaluation], Value]


@dataclass
class Evaluation:
    """The values of one batch, each computed when it is first asked for."""

    batch: pa.RecordBatch
    values: dict[bytes, Value] = field(default_factory=dict)

    def value(self, step: Step) -> Value:
        if step.text not in self.values:
            self.values[step.text] = step.compute(self)
        return self.values[step.text]


Scope = list[tuple[str, Step]]
"""The columns of a relation by name, in order."""


@dataclass(frozen=True)
class PlainFragment:
    """Filters, then columns, over one input."""

    filters: tuple[Step, ...]
    outputs: tuple[tuple[str, Step], ...]
    schema: pa.Schema

    @property
    def columns(self) -> frozenset[str]:
        """The input's columns that are needed."""
        steps = [*self.filters, *(step for _, step in self.outputs)]
        return frozenset[str]().union(*(step.columns for step in steps))

    def rows(self, table: pa.Table) -> pa.Table | None:
        """The fragment's rows; None if these values are better left to the engine."""
        try:
            return pa.Table.from_batches([self._batch(batch) for batch in table.to_batches()], self.schema)
        except (NotPlainError, pa.ArrowInvalid):
            return None

    def _batch(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        for condition in self.filters:
            kept = Evaluation(batch).value(condition)
            if not isinstance(kept, pa.BooleanArray):
                raise NotPlainError
            if kept.true_count < len(kept):
                batch = batch.filter(kept)
        evaluation = Evaluation(batch)
        columns = [as_column(evaluation.value(step), batch.num_rows) for _, step in self.outputs]
        casts = zip(columns, self.schema.types, strict=True)
        return pa.RecordBatch.from_arrays([_labelled(*pair) for pair in casts], schema=self.schema)


def plain_fragment(
    relation: Relation, input_name: str, given: pa.Schema, wanted: pa.Schema
) -> PlainFragment | None:
    """The relation over its input leaf, from columns `given` to columns `wanted`; None if it is not plain."""
    try:
        filters, scope = Flattener(input_name, given).flatten(relation)
        plain = PlainFragment(tuple(filters), tuple(scope), wanted)
        if [name for name, _ in scope] != wanted.names:
            return None
        return plain if plain.rows(_one_row(given)) is not None else None
    except NotPlainError:
        return None


class Flattener:
    """One walk down a chain of projections and filters."""

    def __init__(self, input_name: str, given: pa.Schema) -> None:
        self._input_name = input_name
        self._given = given
        self._scopes: dict[int, Scope] = {}

    def flatten(self, relation: Relation) -> tuple[list[Step], Scope]:
        """The filters to pass and the columns there are."""
        filters, scope = self._flatten(relation)
        identifier = plan_id(relation)
        if identifier is not None:
            self._scopes[identifier] = scope
        return filters, scope

    def _flatten(self, relation: Relation) -> tuple[list[Step], Scope]:
        match kind(relation):
            case "cached_remote_relation":
                if relation.cached_remote_relation.relation_id != self._input_name:
                    raise NotPlainError
                return [], [(name, _column(name)) for name in self._given.names]
            case "project":
                filters, scope = self.flatten(relation.project.input)
                parts = [self._columns(part, scope) for part in relation.project.expressions]
                return filters, [column for part in parts for column in part]
            case "filter":
                filters, scope = self.flatten(relation.filter.input)
                if function_name(relation.filter.condition) != "isnotnull":
                    raise NotPlainError
                return [*filters, self._step(relation.filter.condition, scope)], scope
            case "drop" if not relation.drop.columns:
                filters, scope = self.flatten(relation.drop.input)
                dropped = {name.lower() for name in relation.drop.column_names}
                return filters, [(name, step) for name, step in scope if name.lower() not in dropped]
        raise NotPlainError

    def _columns(self, expression: Expression, scope: Scope) -> Scope:
        if expression.HasField("unresolved_star"):
            star = expression.unresolved_star
            if star.HasField("unparsed_target") or star.HasField("plan_id"):
                raise NotPlainError
            return scope
        return [(output_name(expression), self._step(expression, scope))]

    def _step(self, expression: Expression, scope: Scope) -> Step:
        match expression.WhichOneof("expr_type"):
            case "alias" if len(expression.alias.name) == 1 and not expression.alias.metadata:
                return self._step(expression.alias.expr, scope)
            case "unresolved_attribute":
                return self._attribute(expression.unresolved_attribute, scope)
            case "literal":
                return _constant(expression)
            case "cast" if _is_epoch_cast(expression.cast):
                return self._step(expression.cast.expr, scope)
            case "unresolved_function":
                return self._call(expression, scope)
        raise NotPlainError

    def _attribute(self, attribute: Expression.UnresolvedAttribute, scope: Scope) -> Step:
        if attribute.is_metadata_column:
            raise NotPlainError
        step = _find(attribute.unparsed_identifier, scope)
        if attribute.HasField("plan_id"):
            # A column of an earlier frame (`df.x`) must still be what goes by that name here.
            before = self._scopes.get(attribute.plan_id)
            if before is None or _find(attribute.unparsed_identifier, before) is not step:
                raise NotPlainError
        return step

    def _call(self, expression: Expression, scope: Scope) -> Step:
        function = PLAIN_FUNCTIONS.get(function_name(expression))
        if function is None or expression.unresolved_function.is_distinct:
            raise NotPlainError
        arguments = [self._step(operand, scope) for operand in operands(expression)]
        text = function_name(expression).encode() + b"(" + b",".join(a.text for a in arguments) + b")"
        columns = frozenset[str]().union(*(argument.columns for argument in arguments))
        return Step(text, columns, lambda run: function(*(run.value(argument) for argument in arguments)))


def _find(identifier: str, scope: Sequence[tuple[str, Step]]) -> Step:
    parts = identifier_parts(identifier)
    found = [step for name, step in scope if name.lower() == parts[-1].lower()]
    if len(parts) != 1 or len(found) != 1:
        raise NotPlainError
    return found[0]


def _column(name: str) -> Step:
    return Step(b"column " + name.encode(), frozenset((name,)), lambda run: run.batch.column(name))


def _constant(expression: Expression) -> Step:
    literal = expression.literal
    match literal.WhichOneof("literal_type"):
        case "boolean":
            scalar = pa.scalar(literal.boolean)
        case "integer":
            scalar = pa.scalar(literal.integer, pa.int32())
        case "long":
            scalar = pa.scalar(literal.long, pa.int64())
        case "string":
            scalar = pa.scalar(literal.string)
        case _:
            raise NotPlainError
    return Step(b"constant " + expression.literal.SerializeToString(), frozenset(), lambda run: scalar)


def _is_epoch_cast(cast: Expression.Cast) -> bool:
    """The cast that puts a computed moment into the session's time zone, see plan/epoch_times.py."""
    return cast.type_str == "timestamp" and function_name(cast.expr) == "timestamp_micros"


def _labelled(column: pa.Array, wanted: pa.DataType) -> pa.Array:
    """The column under another time zone's label; anything else would change values."""
    if column.type == wanted:
        return column
    if pa.types.is_struct(wanted) and pa.types.is_struct(column.type) and not column.null_count:
        if [f.name for f in column.type] != [f.name for f in wanted]:
            raise NotPlainError
        parts = [_labelled(column.field(i), wanted.field(i).type) for i in range(wanted.num_fields)]
        return pa.StructArray.from_arrays(parts, fields=list(wanted))
    if not (pa.types.is_timestamp(wanted) and wanted.tz and column.type == pa.timestamp("us", "UTC")):
        raise NotPlainError
    return column.cast(wanted)


def _one_row(given: pa.Schema) -> pa.Table:
    """A row to try the fragment on: zero where numbers are counted with, null elsewhere."""
    columns = [
        pa.array([0], pa.int64()).cast(field.type) if _counts(field.type) else pa.nulls(1, field.type)
        for field in given
    ]
    return pa.table(columns, schema=pa.schema([pa.field(field.name, field.type) for field in given]))


def _counts(data_type: pa.DataType) -> bool:
    return pa.types.is_timestamp(data_type) or pa.types.is_int64(data_type)
