"""SQLite, which Python brings along: a database in a file, for tests, edges and examples."""

import contextlib
import re
import sqlite3
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
from pyspark.sql.pandas.types import to_arrow_schema
from pyspark.sql.types import (
    BinaryType,
    BooleanType,
    ByteType,
    DataType,
    DateType,
    DecimalType,
    DoubleType,
    FloatType,
    IntegerType,
    LongType,
    NumericType,
    ShortType,
    StringType,
    StructField,
    StructType,
    TimestampNTZType,
    TimestampType,
)

from cauce.jdbc.dialect import DatabaseError
from cauce.jdbc.options import JdbcOptions

__all__ = ["SQLite"]

BUSY_TIMEOUT_S = 30
NAMES: dict[type[DataType], str] = {
    BinaryType: "BLOB",
    BooleanType: "BOOLEAN",
    ByteType: "SMALLINT",
    DateType: "DATE",
    DoubleType: "DOUBLE",
    FloatType: "REAL",
    IntegerType: "INTEGER",
    LongType: "BIGINT",
    ShortType: "SMALLINT",
    StringType: "TEXT",
    TimestampNTZType: "TIMESTAMP",
    TimestampType: "TIMESTAMP",
}
DECLARED: dict[str, DataType] = {
    "bigint": LongType(),
    "blob": BinaryType(),
    "boolean": BooleanType(),
    "date": DateType(),
    "double": DoubleType(),
    "float": FloatType(),
    "int": IntegerType(),
    "integer": IntegerType(),
    "real": FloatType(),
    "smallint": ShortType(),
    "timestamp": TimestampType(),
}
"""By the first word of the declared type; anything else is text."""
DECIMAL = re.compile(r"(?:decimal|numeric)\s*(?:\(\s*(\d+)\s*(?:,\s*(\d+)\s*)?\))?", re.IGNORECASE)


class SQLite:
    """The dialect of jdbc:sqlite."""

    drivers = ("org.sqlite.JDBC",)

    @contextlib.contextmanager
    def connect(self, options: JdbcOptions, zone: str) -> Iterator["SQLiteConnection"]:
        path = options.url[len("jdbc:sqlite:") :].partition("?")[0]
        with _spark_errors():
            connection = sqlite3.connect(path, timeout=BUSY_TIMEOUT_S, isolation_level=None)
            try:
                yield SQLiteConnection(connection, options, zone)
            finally:
                connection.close()

    def quoted(self, name: str) -> str:
        return '"' + name.replace('"', '""') + '"'

    def column_type(self, kind: DataType) -> str | None:
        if isinstance(kind, DecimalType):
            return f"DECIMAL({kind.precision},{kind.scale})"
        return NAMES.get(type(kind))

    def literal(self, value: Any, kind: DataType) -> str | None:
        if isinstance(kind, NumericType) and isinstance(value, int) and not isinstance(kind, DecimalType):
            return str(value)
        if isinstance(kind, StringType) and isinstance(value, str) and "\0" not in value:
            return "'" + value.replace("'", "''") + "'"
        return None

    def truncate(self, table: str, *, cascade: bool) -> str:
        return f"DELETE FROM {table}"


class SQLiteConnection:
    """One connection and its transaction."""

    def __init__(self, connection: sqlite3.Connection, options: JdbcOptions, zone: str) -> None:
        self._connection = connection
        self._zone = ZoneInfo(zone)
        self._prefix = options.get("prepareQuery")
        if options.get("sessionInitStatement"):
            self.execute(options.get("sessionInitStatement"))
        self.execute("BEGIN")

    def schema(self, query: str) -> StructType:
        """By the declared types, which a view beside the query shows."""
        with _spark_errors():
            self.execute(f"CREATE TEMP VIEW __cauce_schema AS {self._prefix} {query}")
            rows = self._connection.execute("PRAGMA temp.table_info('__cauce_schema')").fetchall()
            self.execute("DROP VIEW temp.__cauce_schema")
        return StructType([StructField(row[1], _declared(row[2])) for row in rows])

    def read(self, source: str, columns: StructType, where: str) -> pa.Table:
        names = ", ".join(map(SQLite().quoted, columns.names))
        condition = f" WHERE {where}" if where else ""
        rows = self._connection.execute(f"{self._prefix} SELECT {names} FROM {source}{condition}").fetchall()
        # Row by row, as that is how SQLite gives them.
        wanted = to_arrow_schema(columns, timezone=str(self._zone))
        arrays = [
            pa.array([self._value(row[at], field.dataType) for row in rows], wanted[at].type)
            for at, field in enumerate(columns)
        ]
        return pa.Table.from_arrays(arrays, names=columns.names)

    def table_exists(self, table: str) -> bool:
        try:
            self._connection.execute(f"SELECT 1 FROM {table} LIMIT 1")
        except sqlite3.OperationalError:
            return False
        return True

    def execute(self, statement: str) -> None:
        self._connection.execute(statement)

    def insert(self, table: str, columns: Sequence[str], rows: pa.Table) -> None:
        names = ", ".join(map(SQLite().quoted, columns))
        places = ", ".join("?" for _ in columns)
        values = [[_stored(value, self._zone) for value in column.to_pylist()] for column in rows.columns]
        self._connection.executemany(
            f"INSERT INTO {table} ({names}) VALUES ({places})", zip(*values, strict=True)
        )

    def commit(self) -> None:
        self.execute("COMMIT")

    def _value(self, stored: Any, kind: DataType) -> Any:
        if stored is None:
            return None
        match kind:
            case BooleanType():
                return bool(stored)
            case DateType():
                return date.fromisoformat(stored)
            case TimestampType():
                moment = datetime.fromisoformat(stored)
                return moment if moment.tzinfo else moment.replace(tzinfo=self._zone)
            case DecimalType():
                return Decimal(str(stored))
            case StringType():
                return str(stored)
        return stored


def _declared(text: str) -> DataType:
    match = DECIMAL.match(text)
    if match is not None:
        return DecimalType(int(match[1] or 38), int(match[2] or (0 if match[1] else 18)))
    word = re.match(r"[a-z]*", text.lower())
    return DECLARED.get(word[0] if word else "", StringType())


def _stored(value: Any, zone: ZoneInfo) -> Any:
    match value:
        case datetime() if value.tzinfo is not None:
            return value.astimezone(zone).replace(tzinfo=None).isoformat(sep=" ")
        case datetime():
            return value.isoformat(sep=" ")
        case date():
            return value.isoformat()
        case Decimal():
            return str(value)
    return value


@contextlib.contextmanager
def _spark_errors() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise DatabaseError(None, f"[SQLITE_ERROR] SQL error or missing database ({error})") from None
