"""The catalog calls that Sail knows only as SQL, or not at all: tables, views, databases, functions."""

import os
from collections.abc import Callable

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql.connect.proto import Catalog, Read, Relation
from pyspark.sql.connect.types import pyspark_types_to_proto_types

from cauce.engine import EngineSession
from cauce.errors import AnalysisException, SparkError
from cauce.formats.partition_path import partition_values
from cauce.plan.build import quoted
from cauce.plan.tables import identifier_parts, normalized_name
from cauce.session import Session

__all__ = ["CATALOG_NAME", "STATEMENTS", "table_relation", "with_schema"]

NOTHING = pa.table({})
CATALOG_NAME = "spark_catalog"
SEARCH_PATH = "[`system`.`builtin`, `system`.`session`, `spark_catalog`.`default`]"


def table_relation(name: str) -> Relation:
    """The relation that `spark.table(name)` is."""
    return Relation(read=Read(named_table=Read.NamedTable(unparsed_identifier=name)))


def with_schema(message: Catalog, session: Session) -> None:
    """A table over files that are there has their columns, unless the call names its own."""
    kind = message.WhichOneof("cat_type") or ""
    table = getattr(message, kind)
    path = table.path or table.options.get("path", "")
    if (table.HasField("schema") and table.schema.struct.fields) or not path:
        return
    source = Read.DataSource(format=table.source or "parquet", paths=[path], options=dict(table.options))
    columns = session.engine.schema(Relation(read=Read(data_source=source)))
    table.schema.CopyFrom(pyspark_types_to_proto_types(columns))


def _drop_table(message: Catalog, session: Session) -> pa.Table:
    call = message.drop_table
    return _run(f"DROP TABLE {_if(call.if_exists, 'EXISTS')}{_name(call.table_name)}", session)


def _drop_view(message: Catalog, session: Session) -> pa.Table:
    call = message.drop_view
    return _run(f"DROP VIEW {_if(call.if_exists, 'EXISTS')}{_name(call.view_name)}", session)


def _create_database(message: Catalog, session: Session) -> pa.Table:
    call = message.create_database
    return _run(f"CREATE DATABASE {_if(call.if_not_exists, 'NOT EXISTS')}{_name(call.db_name)}", session)


def _drop_database(message: Catalog, session: Session) -> pa.Table:
    call = message.drop_database
    cascade = " CASCADE" if call.cascade else ""
    return _run(f"DROP DATABASE {_if(call.if_exists, 'EXISTS')}{_name(call.db_name)}{cascade}", session)


def _truncate_table(message: Catalog, session: Session) -> pa.Table:
    name = _name(message.truncate_table.table_name)
    return _run(f"INSERT OVERWRITE TABLE {name} SELECT * FROM {name} LIMIT 0", session)


def _refresh_table(message: Catalog, session: Session) -> pa.Table:
    """Files are listed by every query, so there is nothing to refresh; the table must be there."""
    session.engine.schema(table_relation(message.refresh_table.table_name))
    return NOTHING


def _analyze_table(message: Catalog, session: Session) -> pa.Table:
    """Statistics are read from the files by every query."""
    session.engine.schema(table_relation(message.analyze_table.table_name))
    return NOTHING


def _recover_partitions(message: Catalog, session: Session) -> pa.Table:
    """Partitions are found in the folders by every query."""
    _partition_columns(message.recover_partitions.table_name, "recoverPartitions()", session)
    return NOTHING


def _list_partitions(message: Catalog, session: Session) -> pa.Table:
    name = message.list_partitions.table_name
    columns = _partition_columns(name, "SHOW PARTITIONS", session)
    location = _details(name, session)["Location"].removeprefix("file://")
    found = {
        "/".join(f"{column}={values[column]}" for column in columns)
        for folder, _, files in os.walk(location)
        if files and (values := partition_values(f"{folder}/file", location))
    }
    return pa.table({"partition": pa.array(sorted(found), pa.string())})


def _list_views(message: Catalog, session: Session) -> pa.Table:
    call = Catalog()
    asked = message.list_views
    call.list_tables.SetInParent()
    for field in ("db_name", "pattern"):
        if asked.HasField(field):
            setattr(call.list_tables, field, getattr(asked, field))
    tables = session.engine.run(Relation(catalog=call))
    return tables.filter(pc.is_in(tables["tableType"], pa.array(["TEMPORARY", "VIEW"])))


def _create_table_string(message: Catalog, session: Session) -> pa.Table:
    name = message.get_create_table_string.table_name
    details = _details(name, session)
    columns = [f"  {field.name} {field.dataType.simpleString().upper()}" for field in _columns(name, session)]
    text = f"CREATE TABLE {CATALOG_NAME}.{details['Database']}.{details['Table']} (\n" + ",\n".join(columns)
    text += f")\nUSING {details.get('Provider', 'parquet')}\n"
    if details.get("Type") == "EXTERNAL":
        text += f"LOCATION '{details['Location']}'\n"
    return pa.table({"createtab_stmt": [text]})


def _function_exists(message: Catalog, session: Session) -> pa.Table:
    return pa.table({"value": [_has_function(message.function_exists.function_name, session)]})


def _get_function(message: Catalog, session: Session) -> pa.Table:
    name = message.get_function.function_name
    if not _has_function(name, session):
        raise AnalysisException("UNRESOLVED_ROUTINE", routineName=_name(name), searchPath=SEARCH_PATH)
    text = pa.array([None], pa.string())
    row = {"catalog": text, "namespace": pa.array([None], pa.list_(pa.string())), "description": text}
    return pa.table({"name": [name], **row, "className": [""], "isTemporary": [True]})


def _get_database(message: Catalog, session: Session) -> pa.Table | None:
    name = message.get_database.db_name
    exists = Catalog()
    exists.database_exists.db_name = name
    if session.engine.run(Relation(catalog=exists))[0][0].as_py():
        return None
    raise AnalysisException("SCHEMA_NOT_FOUND", schemaName=f"`{CATALOG_NAME}`.{_name(name)}")


def _set_current_catalog(message: Catalog, session: Session) -> pa.Table:
    name = message.set_current_catalog.catalog_name
    if name != CATALOG_NAME:
        raise SparkError("CATALOG_NOT_FOUND", catalogName=f"`{name}`", config=f'"spark.sql.catalog.{name}"')
    return NOTHING


def _list_catalogs(message: Catalog, session: Session) -> pa.Table:
    return pa.table({"name": [CATALOG_NAME], "description": pa.array([None], pa.string())})


def _drop_temp_view(message: Catalog, session: Session) -> pa.Table | None:
    """False for a view that is not there; a view over a stream is kept here, not by Sail."""
    name = message.drop_temp_view.view_name
    if session.views.pop(normalized_name(name), None) is not None:
        return pa.table({"value": [True]})
    return None if _is_there(quoted(name), session.engine) else pa.table({"value": [False]})


def _drop_global_temp_view(message: Catalog, session: Session) -> pa.Table | None:
    name = f"global_temp.{quoted(message.drop_global_temp_view.view_name)}"
    return None if _is_there(name, session.engine) else pa.table({"value": [False]})


def _is_there(name: str, engine: EngineSession) -> bool:
    try:
        engine.schema(table_relation(name))
    except AnalysisException:
        return False
    return True


def _has_function(name: str, session: Session) -> bool:
    if any(key == ("register_function", name) for key in session.definitions):
        return True
    return session.engine.sql(f"SHOW FUNCTIONS LIKE '{name}'").num_rows > 0


def _partition_columns(name: str, operation: str, session: Session) -> list[str]:
    call = Catalog()
    call.list_columns.table_name = name
    columns = session.engine.run(Relation(catalog=call))
    found = [row["name"] for row in columns.to_pylist() if row["isPartition"]]
    if not found:
        full = ".".join(f"`{part}`" for part in [CATALOG_NAME, *identifier_parts(name)])
        raise AnalysisException("NOT_A_PARTITIONED_TABLE", operation=operation, tableIdentWithDB=full)
    return found


def _columns(name: str, session: Session) -> list:
    return list(session.engine.schema(table_relation(name)))


def _details(name: str, session: Session) -> dict[str, str]:
    """What DESCRIBE EXTENDED tells below the columns."""
    rows = session.engine.sql(f"DESCRIBE EXTENDED {_name(name)}").to_pylist()
    start = next(at for at, row in enumerate(rows) if row["col_name"].startswith("# Detailed"))
    return {row["col_name"]: row["data_type"] for row in rows[start + 1 :]}


def _run(statement: str, session: Session) -> pa.Table:
    session.engine.sql(statement)
    return NOTHING


def _name(identifier: str) -> str:
    return ".".join(f"`{part}`" for part in identifier_parts(identifier))


def _if(wanted: bool, word: str) -> str:
    return f"IF {word} " if wanted else ""


STATEMENTS: dict[str, Callable[[Catalog, Session], pa.Table | None]] = {
    "analyze_table": _analyze_table,
    "create_database": _create_database,
    "drop_database": _drop_database,
    "drop_global_temp_view": _drop_global_temp_view,
    "drop_table": _drop_table,
    "drop_temp_view": _drop_temp_view,
    "drop_view": _drop_view,
    "function_exists": _function_exists,
    "get_create_table_string": _create_table_string,
    "get_database": _get_database,
    "get_function": _get_function,
    "list_catalogs": _list_catalogs,
    "list_partitions": _list_partitions,
    "list_views": _list_views,
    "recover_partitions": _recover_partitions,
    "refresh_by_path": lambda message, session: NOTHING,
    "refresh_table": _refresh_table,
    "set_current_catalog": _set_current_catalog,
    "truncate_table": _truncate_table,
}
"""A call that answers None is Sail's after all."""
