"""The databases there are, by the start of a JDBC URL."""

from cauce.errors import ClassNotFoundException, SQLException
from cauce.jdbc.dialect import Dialect
from cauce.jdbc.options import JdbcOptions
from cauce.jdbc.postgresql import PostgreSQL
from cauce.jdbc.sqlite import SQLite

__all__ = ["DIALECTS", "dialect_of"]

DIALECTS: dict[str, Dialect] = {
    "jdbc:postgresql:": PostgreSQL(),
    "jdbc:sqlite:": SQLite(),
}


def dialect_of(options: JdbcOptions) -> Dialect:
    """The dialect of the URL. As in Java, a URL no driver knows and a driver that is not there are errors."""
    driver = options.get("driver")
    if driver and not any(driver in dialect.drivers for dialect in DIALECTS.values()):
        raise ClassNotFoundException(None, driver)
    for start, dialect in DIALECTS.items():
        if options.url.lower().startswith(start):
            return dialect
    raise SQLException(None, "No suitable driver")
