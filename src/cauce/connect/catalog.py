"""The catalog calls that Sail lacks: caching tables by name, and what it knows only as SQL."""

from collections.abc import Callable

import pyarrow as pa
from pyspark.sql.connect.proto import Catalog, Relation, StorageLevel

from cauce.connect.catalog_statements import STATEMENTS, table_relation, with_schema
from cauce.connect.preparation import Preparation, replace
from cauce.connect.semantics import semantic_key
from cauce.engine import local_relation
from cauce.session import Session
from cauce.session.cache import MEMORY_AND_DISK_DESER, CachedRelation

__all__ = ["cache_table", "catalog", "clear_cache", "uncache_table"]

NOTHING = pa.table({})


def catalog(node: Relation, preparation: Preparation) -> None:
    """Answer the calls of CALLS here; every other one is Sail's.

    A cached table is used by plans that read it with `spark.table`, not by SQL text.
    """
    kind = node.catalog.WhichOneof("cat_type") or ""
    if not preparation.running:
        return
    if kind in ("create_table", "create_external_table"):
        with_schema(node.catalog, preparation.session)
    if kind in CALLS:
        rows = CALLS[kind](node.catalog, preparation.session)
        if rows is not None:
            replace(node, local_relation(rows))


def cache_table(name: str, session: Session, level: StorageLevel = MEMORY_AND_DISK_DESER) -> pa.Table:
    """Keep the rows of a table or view from its first read on. An unknown name is an error at once."""
    relation = table_relation(name)
    session.engine.schema(relation)
    session.persisted.add(semantic_key(relation), CachedRelation(relation, level))
    return NOTHING


def uncache_table(name: str, session: Session) -> pa.Table:
    """Let the rows go. An unknown name is an error."""
    relation = table_relation(name)
    session.engine.schema(relation)
    session.persisted.remove(semantic_key(relation))
    return NOTHING


def clear_cache(session: Session) -> pa.Table:
    """Let all rows of persisted frames and cached tables go."""
    session.persisted.clear()
    return NOTHING


def _cache_table(message: Catalog, session: Session) -> pa.Table:
    has_level = message.cache_table.HasField("storage_level")
    level = message.cache_table.storage_level if has_level else MEMORY_AND_DISK_DESER
    return cache_table(message.cache_table.table_name, session, level)


def _is_cached(message: Catalog, session: Session) -> pa.Table:
    relation = table_relation(message.is_cached.table_name)
    session.engine.schema(relation)
    found = session.persisted.get(semantic_key(relation))
    return pa.table({"value": [found is not None]})


CALLS: dict[str, Callable[[Catalog, Session], pa.Table | None]] = {
    **STATEMENTS,
    "cache_table": _cache_table,
    "is_cached": _is_cached,
    "uncache_table": lambda message, session: uncache_table(message.uncache_table.table_name, session),
    "clear_cache": lambda message, session: clear_cache(session),
}
