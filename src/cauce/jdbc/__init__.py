"""Tables of databases, by `format("jdbc")`: reads in partitions, writes in one transaction.

Imported by connect; imports session, engine, plan, conf and errors. A database is a dialect (`dialects.py`):
PostgreSQL and SQLite. Not here: other databases, Kerberos, and SQL's `CREATE TABLE ... USING jdbc`.
"""

from cauce.jdbc.pushdown import is_jdbc, read_jdbc_tables
from cauce.jdbc.write import write_table

__all__ = ["is_jdbc", "read_jdbc_tables", "write_table"]
