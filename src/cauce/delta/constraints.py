"""What every row of a table must satisfy: NOT NULL, CHECK constraints and older invariants."""

import json
from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql.connect.proto import Expression, Filter, Limit, Relation

from cauce.delta.actions import Metadata
from cauce.delta.errors import InvariantViolationException
from cauce.engine import EngineSession, input_leaf
from cauce.plan.build import call

__all__ = ["check_rows", "constraints_of", "expression_of"]

PREFIX = "delta.constraints."


def constraints_of(metadata: Metadata) -> dict[str, str]:
    """Name to SQL expression of each CHECK constraint."""
    checks = metadata.configuration.items()
    return {key[len(PREFIX) :]: value for key, value in checks if key.startswith(PREFIX)}


def expression_of(sql: str) -> Expression:
    """A SQL text for the engine to parse."""
    return Expression(expression_string=Expression.ExpressionString(expression=sql))


def check_rows(table: pa.Table, metadata: Metadata, engine: EngineSession) -> None:
    """Raise for the first row that breaks a constraint."""
    for field in metadata.schema:
        if not field.nullable and table[field.name].null_count:
            raise InvariantViolationException("DELTA_NOT_NULL_CONSTRAINT_VIOLATED", columnName=field.name)
    if table.num_rows:
        for name, sql in _checks(metadata):
            _check(table, name, sql, engine)


def _check(table: pa.Table, name: str, sql: str, engine: EngineSession) -> None:
    # A check that is null is violated too.
    broken = call("not", call("<=>", expression_of(f"({sql})"), expression_of("true")))
    relation = Relation(filter=Filter(input=input_leaf("rows"), condition=broken))
    rows = engine.run(Relation(limit=Limit(input=relation, limit=1)), {"rows": table})
    if rows.num_rows:
        values = "\n".join(f" - {column} : {_text(rows, column)}" for column in _mentioned(sql, rows))
        raise InvariantViolationException(
            "DELTA_VIOLATE_CONSTRAINT_WITH_VALUES", constraintName=name, expression=f"({sql})", values=values
        )


def _checks(metadata: Metadata) -> Iterator[tuple[str, str]]:
    yield from constraints_of(metadata).items()
    for field in metadata.schema:
        invariant = (field.metadata or {}).get("delta.invariants")
        if invariant:
            yield "EXPRESSION", json.loads(invariant)["expression"]["expression"]
        generated = (field.metadata or {}).get("delta.generationExpression")
        if generated:
            yield "Generated Column", f"`{field.name}` <=> {generated}"


def _mentioned(sql: str, rows: pa.Table) -> list[str]:
    return [name for name in rows.column_names if name.lower() in sql.lower()]


def _text(rows: pa.Table, column: str) -> str:
    value = pc.cast(rows[column], pa.string())[0].as_py() if not _nested(rows, column) else rows[column][0]
    return "null" if value is None else str(value)


def _nested(rows: pa.Table, column: str) -> bool:
    return pa.types.is_nested(rows.schema.field(column).type)
