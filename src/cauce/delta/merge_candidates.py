"""Which files of the target a MERGE has to look at whole: those with a row that the condition joins.

1. An equality of a target's column with something of the source rules out files whose statistics, or
   partition, say that they hold none of the source's values.
2. Of the other files only the condition's columns are read, a bounded number of bytes at a time.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from pyspark.sql.connect.proto import Expression, Join, Project, Relation
from pyspark.sql.types import (
    ByteType,
    DataType,
    DateType,
    IntegerType,
    LongType,
    ShortType,
    StringType,
    StructField,
    StructType,
)

from cauce.delta.actions import AddFile, Metadata
from cauce.delta.data_files import arrow_form
from cauce.delta.matching import ROW, SOURCE_ROW, Frame, computed, numbered
from cauce.delta.reading import read_file
from cauce.engine import EngineSession
from cauce.errors import SparkError
from cauce.formats import constant_column
from cauce.plan.build import alias, attribute
from cauce.plan.expression_text import function_name
from cauce.plan.tables import identifier_parts
from cauce.plan.walk import walk_expression

__all__ = ["MergeCondition"]

BYTES_AT_ONCE = 256 * 1024 * 1024
"""Of files whose condition's columns are in memory together."""
INTEGERS = (ByteType, ShortType, IntegerType, LongType)
VALUE = "value"
UNDERSTOOD = (
    "alias",
    "cast",
    "literal",
    "unresolved_attribute",
    "unresolved_extract_value",
    "unresolved_function",
)
"""Expressions that name columns as attributes only."""


@dataclass
class MergeCondition:
    """The condition of a merge, over the target's frame and the source's."""

    condition: Expression
    target: Frame
    source: Frame
    rows: pa.Table
    """The source's rows."""
    table: Metadata
    engine: EngineSession

    def matching_files(self, table_path: str, files: Sequence[AddFile]) -> list[AddFile]:
        """The files that have a row with a partner in the source."""
        if not self.rows.num_rows:
            return []
        candidates = list(files)
        for column, values in self._equalities():
            candidates = [file for file in candidates if _may_hold(file, column, values, self.table)]
        if len(candidates) < 2:
            return candidates
        groups = _groups(candidates)
        return [file for group in groups for file in self._with_partners(table_path, group)]

    def _equalities(self) -> Iterator[tuple[StructField, list[Any]]]:
        """Columns of the target that must equal one of these values of the source, ascending."""
        for left, right in _conjuncts(self.condition):
            for mine, theirs in ((left, right), (right, left)):
                column = self._column(mine)
                values = None if column is None else self._values(column, theirs)
                if column is not None and values is not None:
                    yield column, values

    def _column(self, expression: Expression) -> StructField | None:
        """The column of the table that an expression is, if it is one that files have bounds of."""
        parts = identifier_parts(expression.unresolved_attribute.unparsed_identifier or "``")
        fields = {field.name.lower(): field for field in self.table.schema}
        field = fields.get(parts[-1].lower())
        if not expression.HasField("unresolved_attribute") or field is None:
            return None
        if len(parts) > 2 or parts[0].lower() in fields and len(parts) > 1:
            return None  # It may be a field inside a column.
        found = self._type(expression, self.target, arrow_form(self.table.schema).empty_table())
        return field if found == field.dataType and _family(found) is not None else None

    def _values(self, column: StructField, expression: Expression) -> list[Any] | None:
        kind = self._type(expression, self.source, self.rows)
        if kind is None or _family(kind) != _family(column.dataType):
            return None
        found = computed(self.rows, self.source, [(VALUE, expression)], self.engine)[VALUE]
        return sorted(value for value in found.unique().to_pylist() if value is not None)

    def _type(self, expression: Expression, frame: Frame, rows: pa.Table) -> DataType | None:
        """The type of an expression over one side alone; None if it is not of that side."""
        relation = Relation(project=Project(input=frame.relation(), expressions=[alias(expression, VALUE)]))
        try:
            return self.engine.schema(relation, {frame.name: numbered(rows)}).fields[0].dataType
        except SparkError:
            return None

    def _with_partners(self, table_path: str, files: Sequence[AddFile]) -> Iterator[AddFile]:
        """The join, of the columns that the condition names only."""
        named = [field for field in self.table.schema if self._names(field)]
        wanted = self.table.with_schema(StructType(named or self.table.schema.fields))
        tables = [read_file(table_path, file, wanted) for file in files]
        owners = np.repeat(np.arange(len(files)), [rows.num_rows for rows in tables])
        join = Join(
            left=self.target.relation(),
            right=self.source.relation(),
            join_condition=self.condition,
            join_type=Join.JOIN_TYPE_LEFT_SEMI,
        )
        relation = Relation(project=Project(input=Relation(join=join), expressions=[attribute(ROW)]))
        target = numbered(pa.concat_tables(tables))
        inputs = {self.target.name: target, self.source.name: numbered(self.rows, SOURCE_ROW)}
        found = self.engine.run(relation, inputs)[ROW].to_numpy()
        return (files[number] for number in np.unique(owners[found]))

    def _names(self, field: StructField) -> bool:
        """Whether the condition may mean this column: sometimes when it does not, never the other way."""
        parts = list(walk_expression(self.condition))
        if any(part.WhichOneof("expr_type") not in UNDERSTOOD for part in parts):
            return True
        names = (part.unresolved_attribute.unparsed_identifier for part in parts)
        return any(
            field.name.lower() == part.lower() for name in names if name for part in identifier_parts(name)
        )


def _conjuncts(condition: Expression) -> Iterator[tuple[Expression, Expression]]:
    """The equalities that all must hold."""
    arguments = list(condition.unresolved_function.arguments)
    if function_name(condition) == "and":
        for argument in arguments:
            yield from _conjuncts(argument)
    elif function_name(condition) in ("=", "==") and len(arguments) == 2:
        yield arguments[0], arguments[1]


def _family(kind: DataType | None) -> str | None:
    """Types whose values compare across files, whoever wrote their statistics."""
    if isinstance(kind, INTEGERS):
        return "integer"
    if isinstance(kind, StringType):
        return "string"
    return "date" if isinstance(kind, DateType) else None


def _may_hold(file: AddFile, column: StructField, values: list[Any], table: Metadata) -> bool:
    bounds = _bounds(file, column, table)
    if bounds is None:
        return True
    low, high = bounds
    following = bisect_left(values, low)
    return following < len(values) and values[following] <= high


def _bounds(file: AddFile, column: StructField, table: Metadata) -> tuple[Any, Any] | None:
    """The least and the greatest value a file may have in a column; None if it does not say."""
    kind = column.dataType
    if column.name in table.partition_columns:
        value = _typed(file.partition_values.get(column.name), kind)
        return None if value is None else (value, value)
    found = [file.statistics.get(which, {}).get(column.name) for which in ("minValues", "maxValues")]
    if any(value is None for value in found):
        return None
    low, high = (_typed(str(value), kind) if isinstance(kind, DateType) else value for value in found)
    return low, high


def _typed(text: str | None, kind: DataType) -> Any:
    arrow = arrow_form(StructType([StructField(VALUE, kind)])).field(0).type
    return constant_column(text or None, kind, arrow, 1)[0].as_py()


def _groups(files: Iterable[AddFile]) -> list[list[AddFile]]:
    groups: list[list[AddFile]] = [[]]
    size = 0
    for file in files:
        if groups[-1] and size + file.size_bytes > BYTES_AT_ONCE:
            groups.append([])
            size = 0
        groups[-1].append(file)
        size += file.size_bytes
    return groups
