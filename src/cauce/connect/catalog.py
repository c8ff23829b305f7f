"""The catalog calls that Sail lacks: caching tables by name."""

from collections.abc import Callable

import pyarrow as pa
from pyspark.sql.connect.proto import Catalog, Read, Relation, StorageLevel

from cauce.connect.preparation import Preparation, replace
from cauce.connect.semantics import semantic_key
from cauce.engine import local_relation
from cauce.session import Session
from cauce.session.cache import MEMORY_AND_DISK_DESER, CachedRelation

__all__ = ["cache_table", "catalog", "clear_cache", "uncache_table"]

NOTHING = pa.table({})


def catalog(node: Relation, preparation: Preparation) -> None:
    """cacheTable, isCached, uncacheTable and clearCache; every other call is Sail's.

    A cached table is used by plans that read it with `spark.table`, not by SQL text.
    """
    kind = node.catalog.WhichOneof("cat_type")
    if kind in CALLS and preparation.running:
        replace(node, local_relation(CALLS[kind](node.catalog, preparation.session)))


def cache_table(name: str, session: Session, level: StorageLevel = MEMORY_AND_DISK_DESER) -> pa.Table:
    """Keep the rows of a table or view from its first read on. An unknown name is an error at once."""
    relation = _table(name)
    session.engine.schema(relation)
    session.persisted.add(semantic_key(relation), CachedRelation(relation, level))
    return NOTHING


def uncache_table(name: str, session: Session) -> pa.Table:
    """Let the rows go."""
    session.persisted.remove(semantic_key(_table(name)))
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
    found = session.persisted.get(semantic_key(_table(message.is_cached.table_name)))
    return pa.table({"value": [found is not None]})


def _table(name: str) -> Relation:
    """The relation that `spark.table(name)` is."""
    return Relation(read=Read(named_table=Read.NamedTable(unparsed_identifier=name)))


CALLS: dict[str, Callable[[Catalog, Session], pa.Table]] = {
    "cache_table": _cache_table,
    "is_cached": _is_cached,
    "uncache_table": lambda message, session: uncache_table(message.uncache_table.table_name, session),
    "clear_cache": lambda message, session: clear_cache(session),
}
