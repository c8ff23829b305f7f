"""What a database is to `format("jdbc")`: how it is reached, how it spells things, how rows go in and out."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

import pyarrow as pa
from pyspark.sql.types import DataType, StructType

from cauce.errors import SparkError
from cauce.jdbc.options import JdbcOptions

__all__ = ["Connection", "DatabaseError", "Dialect"]


class DatabaseError(SparkError):
    """What the database answered instead of rows."""


class Connection(Protocol):
    """One connection, inside one transaction until `commit`. Errors are Spark's and name no secret."""

    def schema(self, query: str) -> StructType:
        """The columns a query gives; it is not run. Their metadata is the dialect's own."""
        ...

    def read(self, source: str, columns: StructType, where: str) -> pa.Table:
        """Some columns of a table or bracketed query, as `schema` described them."""
        ...

    def table_exists(self, table: str) -> bool: ...

    def execute(self, statement: str) -> None: ...

    def insert(self, table: str, columns: Sequence[str], rows: pa.Table) -> None:
        """Append rows; the columns by the names they have in the table."""
        ...

    def commit(self) -> None: ...


class Dialect(Protocol):
    """A database. Stateless."""

    @property
    def drivers(self) -> tuple[str, ...]:
        """The Java classes a program may name as `driver`, which are not needed here."""
        ...

    def connect(self, options: JdbcOptions, zone: str) -> AbstractContextManager[Connection]:
        """A connection, closed at the end; `zone` is the session's, for moments without one."""
        ...

    def quoted(self, name: str) -> str: ...

    def column_type(self, kind: DataType) -> str | None:
        """How a column of that type is created; None if it cannot be."""
        ...

    def literal(self, value: Any, kind: DataType) -> str | None:
        """A constant to compare a column of that type with; None if the database might compare otherwise."""
        ...

    def truncate(self, table: str, *, cascade: bool) -> str: ...
