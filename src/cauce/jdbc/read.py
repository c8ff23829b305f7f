"""One read of a table: what is asked of the database, and how its parts become rows for the engine."""

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import pyarrow as pa
from pyspark.sql.connect.proto import Expression, Relation
from pyspark.sql.types import StructType

from cauce.engine import EngineSession, live_relation
from cauce.errors import SparkError
from cauce.jdbc.dialect import Connection, DatabaseError, Dialect
from cauce.jdbc.dialects import dialect_of
from cauce.jdbc.options import JdbcOptions
from cauce.jdbc.partitions import conditions
from cauce.plan.build import alias, attribute, project

__all__ = ["TableScan", "open_scan"]


@dataclass(frozen=True)
class TableScan:
    """A description: which columns, in which parts, under which conditions."""

    options: JdbcOptions
    dialect: Dialect
    zone: str
    columns: StructType
    parts: tuple[str, ...]
    where: tuple[str, ...] = ()
    limit: int | None = None

    def select(self, names: Sequence[str]) -> "TableScan":
        """Only these columns, whatever their case."""
        wanted = {name.lower() for name in names}
        kept = [field for field in self.columns if field.name.lower() in wanted]
        # One column at least, as the engine counts rows by columns.
        return replace(self, columns=StructType(kept or self.columns.fields[:1]))

    def relation(self, engine: EngineSession, lease: contextlib.ExitStack) -> Relation:
        """Rows that are read from the database each time the relation runs, until `lease` is closed."""
        readers: list[Callable[[], pa.Table]] = [self._reader(part) for part in self.parts]
        return live_relation(engine, self.columns, readers, lease)

    def _reader(self, part: str) -> Callable[[], pa.Table]:
        where = " AND ".join(f"({condition})" for condition in (*self.where, part) if condition)
        if self.limit is not None:
            where = (where or "true") + f" LIMIT {self.limit}"
        return lambda: self._read(where)

    def _read(self, where: str) -> pa.Table:
        with self.dialect.connect(self.options, self.zone) as connection:
            return connection.read(self.options.table, self.columns, where)


def open_scan(given: Mapping[str, str], predicates: Sequence[str], zone: str) -> TableScan:
    """The table as a scan of everything; the database is asked for its columns."""
    options = JdbcOptions.parse(given)
    dialect = dialect_of(options)
    with dialect.connect(options, zone) as connection:
        columns = _columns(connection, f"SELECT * FROM {options.table} WHERE 1=0")
    parts = conditions(options, predicates, columns, dialect)
    return TableScan(options, dialect, zone, columns, tuple(parts))


def _columns(connection: Connection, query: str) -> StructType:
    try:
        return connection.schema(query)
    except DatabaseError as error:
        raise SparkError(
            "JDBC_EXTERNAL_ENGINE_SYNTAX_ERROR.DURING_OUTPUT_SCHEMA_RESOLUTION",
            jdbcQuery=query,
            externalEngineError=error,
        ) from error


def with_custom_schema(scan: TableScan, relation: Relation, engine: EngineSession) -> Relation:
    """The columns in the types that `customSchema` names."""
    text = scan.options.get("customSchema")
    if not text:
        return relation
    asked = {field.name.lower(): field.dataType for field in engine.parse_ddl(text)}
    columns = [_typed(field.name, asked.get(field.name.lower())) for field in scan.columns]
    return project(relation, columns)


def _typed(name: str, kind: object) -> Expression:
    column = attribute(name)
    if kind is None:
        return column
    cast = Expression.Cast(expr=column, type_str=kind.simpleString())  # type: ignore[attr-defined]
    return alias(Expression(cast=cast), name)
