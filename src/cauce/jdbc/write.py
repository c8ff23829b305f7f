"""`df.write.format("jdbc")`: create, fill, replace or append to a table, all of it in one transaction."""

from collections.abc import Mapping, Sequence

import pyarrow as pa
from pyspark.sql.connect.proto import WriteOperation
from pyspark.sql.types import StructField, StructType

from cauce.engine import EngineSession
from cauce.errors import AnalysisException, IllegalArgumentException
from cauce.jdbc.dialect import Connection, Dialect
from cauce.jdbc.dialects import dialect_of
from cauce.jdbc.options import JdbcOptions

__all__ = ["write_table"]

SaveMode = WriteOperation.SaveMode


def write_table(
    rows: pa.Table, schema: StructType, mode: int, given: Mapping[str, str], engine: EngineSession
) -> None:
    """Write the rows as the save mode says; an error leaves the database as it was.

    Spark commits each partition for itself; one transaction keeps its promises and more.
    """
    options = JdbcOptions.parse(given, writing=True)
    dialect = dialect_of(options)
    with dialect.connect(options, engine.time_zone) as connection:
        table = options.table
        if not connection.table_exists(table):
            _create(connection, dialect, options, schema, engine)
        elif mode in (SaveMode.SAVE_MODE_ERROR_IF_EXISTS, SaveMode.SAVE_MODE_UNSPECIFIED):
            raise AnalysisException("_LEGACY_ERROR_TEMP_1288", name=table)
        elif mode == SaveMode.SAVE_MODE_IGNORE:
            return
        elif mode == SaveMode.SAVE_MODE_OVERWRITE:
            _empty(connection, dialect, options, schema, engine)
        _insert(connection, options, schema, rows)
        connection.commit()


def _empty(
    connection: Connection, dialect: Dialect, options: JdbcOptions, schema: StructType, engine: EngineSession
) -> None:
    if options.flag("truncate", False):
        cascade = options.flag("cascadeTruncate", False)
        connection.execute(dialect.truncate(options.table, cascade=cascade))
        return
    connection.execute(f"DROP TABLE {options.table}")
    _create(connection, dialect, options, schema, engine)


def _create(
    connection: Connection, dialect: Dialect, options: JdbcOptions, schema: StructType, engine: EngineSession
) -> None:
    asked = _asked_types(options, schema, engine)
    columns = [
        f"{dialect.quoted(field.name)} {asked.get(field.name.lower()) or _type(field, dialect)}"
        + ("" if field.nullable else " NOT NULL")
        for field in schema
    ]
    text = f"CREATE TABLE {options.table} ({', '.join(columns)}) {options.get('createTableOptions')}"
    connection.execute(text.rstrip())


def _type(field: StructField, dialect: Dialect) -> str:
    found = dialect.column_type(field.dataType)
    if found is None:
        raise IllegalArgumentException("_LEGACY_ERROR_TEMP_2082", catalogString=field.dataType.simpleString())
    return found


def _asked_types(options: JdbcOptions, schema: StructType, engine: EngineSession) -> dict[str, str]:
    """`createTableColumnTypes`: lower-case column name -> type, as the user spelled it."""
    text = options.get("createTableColumnTypes")
    if not text:
        return {}
    engine.parse_ddl(text)
    asked = dict(part.split(None, 1) for part in _split(text))
    asked = {name.strip("`").lower(): kind.strip() for name, kind in asked.items()}
    known = {name.lower() for name in schema.names}
    unknown = next((name for name in asked if name not in known), None)
    if unknown is not None:
        what = f"createTableColumnTypes option column {unknown} not found in schema"
        raise AnalysisException(None, f"{what} {schema.simpleString()}")
    return asked


def _split(text: str) -> list[str]:
    """At the commas that stand in no brackets."""
    parts, depth = [""], 0
    for character in text:
        depth += (character in "(<") - (character in ")>")
        if character == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += character
    return [part.strip() for part in parts]


def _insert(connection: Connection, options: JdbcOptions, schema: StructType, rows: pa.Table) -> None:
    columns = _columns_of_table(connection, options, schema)
    size = max(options.integer("batchsize", 1000), BATCH_ROWS_MIN)
    for start in range(0, rows.num_rows, size):
        connection.insert(options.table, columns, rows.slice(start, size))


BATCH_ROWS_MIN = 50_000
"""Smaller batches only make more of the same statement: a COPY has no limit on parameters."""


def _columns_of_table(connection: Connection, options: JdbcOptions, schema: StructType) -> Sequence[str]:
    """The names as the table spells them; a column it does not have is an error."""
    there = connection.schema(f"SELECT * FROM {options.table} WHERE 1=0")
    spelled = {name.lower(): name for name in there.names}
    missing = next((field for field in schema if field.name.lower() not in spelled), None)
    if missing is not None:
        raise AnalysisException(
            "COLUMN_NOT_DEFINED_IN_TABLE",
            colType=f'"{missing.dataType.simpleString().upper()}"',
            colName=f"`{missing.name}`",
            tableName=f"`{options.table}`",
            # As in Spark 4.2, which lists the columns of the frame here.
            tableCols=", ".join(f"`{name}`" for name in schema.names),
        )
    exact = set(there.names)
    return [name if name in exact else spelled[name.lower()] for name in schema.names]
