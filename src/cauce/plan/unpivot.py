"""Rule: an unpivot becomes one row per value column, each an element of an array that is exploded.

The engine has an unpivot of its own, but ends with an error when some columns can be null and others cannot.
"""

from collections.abc import Callable, Sequence

from pyspark.sql.connect.proto import Expression, Relation
from pyspark.sql.types import (
    DataType,
    DateType,
    NullType,
    NumericType,
    StringType,
    StructField,
    StructType,
    TimestampType,
)

from cauce.errors import AnalysisException
from cauce.plan.build import alias, attribute, call, integer, project, string
from cauce.plan.expression_text import output_name
from cauce.plan.walk import kind, transform

__all__ = ["rewrite_unpivot", "unpivoted"]

POSITION = "__cauce_unpivot_position"
VALUE = "__cauce_unpivot_value"
FAMILIES: tuple[type[DataType], ...] = (NumericType, StringType)

Schema = Callable[[Relation], StructType]


def rewrite_unpivot(relation: Relation, schema: Schema) -> Relation:
    """Rewrite every unpivot of the relation."""
    return transform(relation, lambda node: unpivoted(node, schema) if kind(node) == "unpivot" else node)


def unpivoted(node: Relation, schema: Schema) -> Relation:
    """What one unpivot means; an AnalysisException if its value columns have no type in common."""
    asked = node.unpivot
    columns = schema(asked.input)
    ids = list(asked.ids)
    values = list(asked.values.values) if asked.HasField("values") else _others(columns, ids)
    if not values:
        raise AnalysisException("UNPIVOT_REQUIRES_VALUE_COLUMNS")
    names = [output_name(value) for value in values]
    _check_types([columns[name] for name in names if name in columns.names])
    pairs = alias(call("posexplode", call("array", *values)), POSITION, VALUE)
    exploded = project(asked.input, [*ids, pairs])
    variable = call("element_at", call("array", *map(string, names)), _next(attribute(POSITION)))
    answer = project(
        exploded,
        [
            *(attribute(output_name(expression)) for expression in ids),
            alias(variable, asked.variable_column_name),
            alias(attribute(VALUE), asked.value_column_name),
        ],
    )
    if node.common.HasField("plan_id"):
        answer.common.plan_id = node.common.plan_id
    return answer


def _others(columns: StructType, ids: Sequence[Expression]) -> list[Expression]:
    taken = {output_name(expression).lower() for expression in ids}
    return [attribute(name) for name in columns.names if name.lower() not in taken]


def _next(position: Expression) -> Expression:
    return call("+", position, integer(1))


def _check_types(fields: Sequence[StructField]) -> None:
    families = {_family(field.dataType) for field in fields if not isinstance(field.dataType, NullType)}
    if len(families) < 2:
        return
    by_type: dict[str, list[str]] = {}
    for field in fields:
        by_type.setdefault(f'"{field.dataType.simpleString().upper()}"', []).append(f"`{field.name}`")
    types = ", ".join(f"{name} ({', '.join(names)})" for name, names in by_type.items())
    raise AnalysisException("UNPIVOT_VALUE_DATA_TYPE_MISMATCH", types=types)


def _family(kind: DataType) -> object:
    """Types of one family widen to one type."""
    for family in FAMILIES:
        if isinstance(kind, family):
            return family
    return TimestampType if isinstance(kind, DateType) else type(kind)
