"""Relations whose rows the server has: uploaded local data, checkpoints, tables kept for the client."""

import pyarrow as pa
from pyspark.sql.connect.proto import LocalRelation, Relation
from pyspark.sql.connect.types import pyspark_types_to_proto_types

from cauce.connect.preparation import Preparation, replace
from cauce.errors import SparkError

__all__ = ["cached_local_relation", "cached_remote_relation", "chunked_cached_local_relation"]


def cached_remote_relation(node: Relation, preparation: Preparation) -> None:
    """A checkpoint, or a table that the server keeps for the client."""
    session = preparation.session
    relation_id = node.cached_remote_relation.relation_id
    if relation_id in session.relations:
        table = session.relations[relation_id]
    elif relation_id in session.checkpoints:
        table = session.checkpoints[relation_id].table(preparation.compute)
    else:
        raise SparkError(
            "CONNECT_INVALID_PLAN.DATAFRAME_NOT_FOUND", dfId=relation_id, sessionId=session.session_id
        )
    replace(node, session.engine.leaf(table, preparation.lease))


def cached_local_relation(node: Relation, preparation: Preparation) -> None:
    """A local relation that was uploaded as one artifact."""
    missing = "NOT_FOUND_CACHED_LOCAL_RELATION"
    local = LocalRelation.FromString(_blob(node.cached_local_relation.hash, missing, preparation))
    replace(node, _local_data([local.data], local.schema, preparation))


def chunked_cached_local_relation(node: Relation, preparation: Preparation) -> None:
    """A local relation that was uploaded as several artifacts, one Arrow stream each."""
    chunked = node.chunked_cached_local_relation
    missing = "NOT_FOUND_CHUNKED_CACHED_LOCAL_RELATION"
    chunks = [_blob(name, missing, preparation) for name in chunked.dataHashes]
    has_schema = chunked.HasField("schemaHash")
    schema = _blob(chunked.schemaHash, missing, preparation).decode() if has_schema else ""
    replace(node, _local_data(chunks, schema, preparation))


def _local_data(chunks: list[bytes], schema: str, preparation: Preparation) -> Relation:
    engine = preparation.session.engine
    table = pa.concat_tables(pa.ipc.open_stream(chunk).read_all() for chunk in chunks)
    leaf = engine.leaf(table, preparation.lease)
    if not schema:
        return leaf
    parsed = engine.schema(Relation(local_relation=LocalRelation(schema=schema)))
    typed = Relation()
    typed.to_schema.input.CopyFrom(leaf)
    typed.to_schema.schema.CopyFrom(pyspark_types_to_proto_types(parsed))
    return typed


def _blob(name: str, missing: str, preparation: Preparation) -> bytes:
    found = preparation.session.artifacts.read(f"cache/{name}")
    if found is None:
        raise SparkError(
            f"CONNECT_INVALID_PLAN.{missing}", hash=name, sessionUUID=preparation.session.session_id
        )
    return found
