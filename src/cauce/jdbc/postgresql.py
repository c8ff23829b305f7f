"""PostgreSQL through psycopg: rows come and go by COPY, as CSV that Arrow parses and writes."""

import contextlib
import dataclasses
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl, unquote

import pyarrow as pa
import pyarrow.csv as csv
from pyspark.sql.types import (
    BooleanType,
    DataType,
    DateType,
    NumericType,
    StringType,
    StructField,
    StructType,
)

from cauce.errors import AnalysisException, IllegalArgumentException
from cauce.jdbc import postgresql_types as types
from cauce.jdbc.dialect import DatabaseError
from cauce.jdbc.options import JdbcOptions
from cauce.jdbc.postgresql_rows import as_text, from_text, text_type

__all__ = ["PostgreSQL"]

URL = re.compile(r"jdbc:postgresql:(?://(?P<hosts>[^/?]*)/?|/)?(?P<database>[^?]*)(?:\?(?P<query>.*))?", re.I)
TO_LIBPQ = {
    "user": "user",
    "password": "password",
    "applicationname": "application_name",
    "connecttimeout": "connect_timeout",
    "logintimeout": "connect_timeout",
    "options": "options",
    "ssl": "sslmode",
    "sslmode": "sslmode",
    "sslcert": "sslcert",
    "sslkey": "sslkey",
    "sslrootcert": "sslrootcert",
    "sslpassword": "sslpassword",
    "tcpkeepalive": "keepalives",
    "targetservertype": "target_session_attrs",
    "currentschema": "options",
}
"""Properties of the Java driver, and what libpq calls them."""
WITHOUT_EFFECT = ("rewritebatchedinserts", "stringtype", "preparethreshold", "binarytransfer", "driver")
"""Properties of the Java driver that COPY has no use for: rows are sent as text, in one statement."""
VALUES = {
    "sslmode": {"true": "require", "false": "disable"},
    "target_session_attrs": {"primary": "read-write", "master": "read-write", "secondary": "standby"},
    "keepalives": {"true": "1", "false": "0"},
}
LEVELS = {"REPEATABLE_READ": "REPEATABLE READ", "SERIALIZABLE": "SERIALIZABLE"}
"""PostgreSQL knows no uncommitted reads: the two lower levels are its own READ COMMITTED."""
MISSING = "The JDBC source needs the PostgreSQL client: pip install 'cauce[postgres]'"


class PostgreSQL:
    """The dialect of jdbc:postgresql."""

    drivers = ("org.postgresql.Driver",)

    @contextlib.contextmanager
    def connect(self, options: JdbcOptions, zone: str) -> Iterator["PostgreSQLConnection"]:
        psycopg = _psycopg()
        try:
            connection = psycopg.connect(**_parameters(options), autocommit=True)
        except psycopg.Error as error:
            url = "jdbc:postgresql:*********(redacted)"  # It may hold a password.
            raise AnalysisException("FAILED_JDBC.CONNECTION", url=url) from error
        try:
            with _spark_errors(psycopg):
                yield PostgreSQLConnection(connection, options, zone)
        finally:
            connection.close()

    def quoted(self, name: str) -> str:
        return '"' + name.replace('"', '""') + '"'

    def column_type(self, kind: DataType) -> str | None:
        return types.column_type(kind)

    def literal(self, value: Any, kind: DataType) -> str | None:
        """Numbers, truth values, dates and text; text that is compared for more than equality is not."""
        match kind:
            case BooleanType():
                return "TRUE" if value else "FALSE"
            case NumericType() if isinstance(value, int | Decimal) and not isinstance(value, bool):
                return str(value)
            case NumericType() if isinstance(value, float):
                return f"'{value!r}'::float8"
            case StringType() if isinstance(value, str) and "\0" not in value:
                return "'" + value.replace("'", "''") + "'"
            case DateType() if isinstance(value, date):
                return f"DATE '{value.isoformat()}'"
        return None

    def truncate(self, table: str, *, cascade: bool) -> str:
        return f"TRUNCATE TABLE ONLY {table}" + (" CASCADE" if cascade else "")


class PostgreSQLConnection:
    """One connection and its transaction."""

    def __init__(self, connection: Any, options: JdbcOptions, zone: str) -> None:
        self._connection = connection
        self._zone = zone
        self._plain_timestamps = options.flag("preferTimestampNTZ", False)
        self._prefix = options.get("prepareQuery")
        self._begin(options)

    def schema(self, query: str) -> StructType:
        with _spark_errors(_psycopg()), self._connection.cursor() as cursor:
            cursor.execute(f"{self._prefix} {query}".encode())
            result = cursor.pgresult
            oids = [result.ftype(at) for at in range(result.nfields)]
            modifiers = [result.fmod(at) for at in range(result.nfields)]
            names = [result.fname(at).decode() for at in range(result.nfields)]
            known = self._type_names(oids)
        columns = zip(names, oids, modifiers, strict=True)
        return StructType([self._field(name, known[oid], modifier) for name, oid, modifier in columns])

    def read(self, source: str, columns: StructType, where: str) -> pa.Table:
        described = [types.ColumnType(**(field.metadata or {})) for field in columns]
        quoted = [PostgreSQL().quoted(name) for name in columns.names]
        texts = [each.expression.format(name) for each, name in zip(described, quoted, strict=True)] or ["1"]
        condition = f" WHERE {where}" if where else ""
        query = f"{self._prefix} SELECT {', '.join(texts)} FROM {source}{condition}"
        table = self._copy_out(query, [text_type(each.kind) for each in described] or [pa.int32()])
        arrays = [from_text(table.column(at), each, self._zone) for at, each in enumerate(described)]
        if not arrays:  # only how many rows there are is asked for
            return table
        return pa.Table.from_arrays(arrays, names=columns.names)

    def table_exists(self, table: str) -> bool:
        with self._connection.cursor() as cursor:
            cursor.execute("SELECT to_regclass(%s) IS NOT NULL", (table,))
            return bool(cursor.fetchone()[0])

    def execute(self, statement: str) -> None:
        with self._connection.cursor() as cursor:
            cursor.execute(statement.encode())

    def insert(self, table: str, columns: Sequence[str], rows: pa.Table) -> None:
        names = ", ".join(map(PostgreSQL().quoted, columns))
        texts = [as_text(column, self._zone) for column in rows.columns]
        buffer = io.BytesIO()
        options = csv.WriteOptions(include_header=False, quoting_style="needed")
        csv.write_csv(
            pa.Table.from_arrays(texts, names=[str(at) for at in range(len(texts))]), buffer, options
        )
        copy = f"COPY {table} ({names}) FROM STDIN WITH (FORMAT csv)"
        with self._connection.cursor() as cursor, cursor.copy(copy.encode()) as stream:
            stream.write(buffer.getbuffer())

    def commit(self) -> None:
        self.execute("COMMIT")

    def _begin(self, options: JdbcOptions) -> None:
        self.execute(f"SET TIME ZONE '{self._zone}'")
        self.execute("SET DateStyle TO ISO, YMD; SET extra_float_digits TO 1; SET client_encoding TO 'UTF8'")
        timeout_s = options.integer("queryTimeout", 0)
        self.execute(f"SET statement_timeout TO '{timeout_s}s'")
        if options.get("sessionInitStatement"):
            self.execute(options.get("sessionInitStatement"))
        level = options.get("isolationLevel")
        if level != "NONE":
            self.execute("BEGIN" + (f" ISOLATION LEVEL {LEVELS[level]}" if level in LEVELS else ""))

    def _copy_out(self, query: str, kinds: list[pa.DataType]) -> pa.Table:
        buffer = pa.BufferOutputStream()
        with self._connection.cursor() as cursor:
            copy = f"COPY ({query}) TO STDOUT WITH (FORMAT csv)"
            with cursor.copy(copy.encode()) as stream:
                for block in stream:
                    buffer.write(block)
        return _parsed(buffer.getvalue(), kinds)

    def _type_names(self, oids: Sequence[int]) -> Mapping[int, str]:
        """Types by number; a domain as the type below it, an enum as text."""
        with self._connection.cursor() as cursor:
            cursor.execute(
                "SELECT t.oid, CASE t.typtype WHEN 'd' THEN b.typname WHEN 'e' THEN 'text' ELSE t.typname END"
                " FROM pg_type t LEFT JOIN pg_type b ON b.oid = t.typbasetype WHERE t.oid = ANY(%s)",
                (list(set(oids)),),
            )
            return dict(cursor.fetchall())

    def _field(self, name: str, type_name: str, modifier: int) -> StructField:
        found = types.read_type(type_name, modifier, plain_timestamps=self._plain_timestamps)
        return StructField(name, found.kind, True, dataclasses.asdict(found))


def _parsed(text: pa.Buffer, kinds: list[pa.DataType]) -> pa.Table:
    names = [str(at) for at in range(len(kinds))]
    if not text.size:
        return pa.schema(list(zip(names, kinds, strict=True))).empty_table()
    return csv.read_csv(
        pa.BufferReader(text),
        csv.ReadOptions(column_names=names),
        csv.ParseOptions(newlines_in_values=pa.string() in kinds, ignore_empty_lines=False),
        csv.ConvertOptions(
            column_types=dict(zip(names, kinds, strict=True)),
            null_values=[""],
            true_values=["t"],
            false_values=["f"],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
    )


def _parameters(options: JdbcOptions) -> dict[str, str]:
    """What libpq connects by, from a URL and properties of the Java driver."""
    match = URL.fullmatch(options.url)
    if match is None:
        raise IllegalArgumentException(
            None, "The JDBC URL is not one of PostgreSQL: jdbc:postgresql://host:port/database"
        )
    hosts = [
        host.rpartition(":") if _has_port(host) else (host, "", "")
        for host in (match["hosts"] or "").split(",")
    ]
    found = {
        "host": ",".join(host.strip("[]") or "localhost" for host, _, _ in hosts),
        "port": ",".join(port or "5432" for _, _, port in hosts),
        "dbname": unquote(match["database"] or "") or options.get("user"),
    }
    for key, value in {**dict(parse_qsl(match["query"] or "")), **options.properties}.items():
        found |= _parameter(key, value)
    return {key: value for key, value in found.items() if value}


def _has_port(host: str) -> bool:
    return re.search(r":\d+$", host) is not None


def _parameter(key: str, value: str) -> dict[str, str]:
    name = key.lower()
    if name in WITHOUT_EFFECT:
        return {}
    if name not in TO_LIBPQ:
        raise IllegalArgumentException(
            None, f"The connection property '{key}' is not supported for PostgreSQL."
        )
    if name == "currentschema":
        return {"options": f"-c search_path={value}"}
    libpq = TO_LIBPQ[name]
    return {libpq: VALUES.get(libpq, {}).get(value.lower(), value)}


def _psycopg() -> Any:
    try:
        import psycopg
    except ImportError as error:
        raise IllegalArgumentException(None, MISSING) from error
    return psycopg


@contextlib.contextmanager
def _spark_errors(psycopg: Any) -> Iterator[None]:
    try:
        yield
    except psycopg.Error as error:
        raise _translated(error) from None


def _translated(error: Any) -> DatabaseError:
    text = error.diag.message_primary or str(error)
    what = f"{error.diag.severity or 'FATAL'}: {text}"
    hint = f"\n  Detail: {error.diag.message_detail}" if error.diag.message_detail else ""
    return DatabaseError(None, what + hint)
