"""What the engine's catalog knows of a table: its format, where its files are, its columns."""

from dataclasses import dataclass

from pyspark.sql.connect.proto import Relation, catalog_pb2
from pyspark.sql.types import StructType

from cauce.engine.session import EngineSession

__all__ = ["TableDescription", "describe_table"]


@dataclass(frozen=True)
class TableDescription:
    """`kind` is MANAGED, EXTERNAL, VIEW or TEMPORARY; a view has neither provider nor location."""

    kind: str
    provider: str
    location: str
    schema: StructType
    partition_columns: tuple[str, ...]


def describe_table(engine: EngineSession, name: str) -> TableDescription | None:
    """The table or view of that name, or None. Quoting is up to the caller, as in SQL."""
    exists = catalog_pb2.Catalog(table_exists=catalog_pb2.TableExists(table_name=name))
    if not engine.collect(Relation(catalog=exists)).column(0)[0].as_py():
        return None
    lines = engine.sql(f"DESCRIBE EXTENDED {name}").to_pylist()
    names = [line["col_name"] for line in lines]
    details = {
        line["col_name"]: line["data_type"] for line in lines[names.index("# Detailed Table Information") :]
    }
    columns = lines[: min(names.index(""), _index(names, "# Partition Information"))]
    return TableDescription(
        kind=details["Type"],
        provider=details.get("Provider", ""),
        location=details.get("Location", ""),
        schema=_schema(columns, engine),
        partition_columns=_partition_columns(names),
    )


def _schema(columns: list[dict[str, str]], engine: EngineSession) -> StructType:
    """No columns are listed for a table that was entered by its location only: its files know them."""
    text = ", ".join(f"`{line['col_name']}` {line['data_type']}" for line in columns)
    return engine.parse_ddl(text) if text else StructType()


def _partition_columns(names: list[str]) -> tuple[str, ...]:
    start = _index(names, "# Partition Information")
    if start == len(names):
        return ()
    end = names.index("", start)
    return tuple(names[start + 2 : end])


def _index(names: list[str], name: str) -> int:
    return names.index(name) if name in names else len(names)
