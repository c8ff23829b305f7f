"""persist, unpersist and checkpoint: results kept in memory as Arrow until the session ends."""

import uuid
from collections.abc import Iterator

from pyspark.sql.connect import proto
from pyspark.sql.connect.proto import AnalyzePlanRequest, AnalyzePlanResponse, ExecutePlanResponse

from cauce.connect.execution import Execution
from cauce.connect.plans import compute
from cauce.connect.semantics import semantic_hash, semantic_key
from cauce.session import Session
from cauce.session.cache import MEMORY_AND_DISK_DESER, CachedRelation

__all__ = ["CACHE_ANALYSES", "CACHE_COMMANDS"]

NONE = proto.StorageLevel(replication=1)


def persist(message: AnalyzePlanRequest.Persist, session: Session) -> AnalyzePlanResponse:
    """`df.cache()`: the first action computes the rows, later plans that contain this one use them."""
    level = message.storage_level if message.HasField("storage_level") else MEMORY_AND_DISK_DESER
    relation = proto.Relation()
    relation.CopyFrom(message.relation)
    session.persisted.add(semantic_key(relation), CachedRelation(relation, level))
    return AnalyzePlanResponse(persist=AnalyzePlanResponse.Persist())


def unpersist(message: AnalyzePlanRequest.Unpersist, session: Session) -> AnalyzePlanResponse:
    """`df.unpersist()`: at once, so that `blocking` makes no difference."""
    session.persisted.remove(semantic_key(message.relation))
    return AnalyzePlanResponse(unpersist=AnalyzePlanResponse.Unpersist())


def get_storage_level(message: AnalyzePlanRequest.GetStorageLevel, session: Session) -> AnalyzePlanResponse:
    """`df.storageLevel`."""
    entry = session.persisted.get(semantic_key(message.relation))
    level = NONE if entry is None else entry.storage_level
    return AnalyzePlanResponse(get_storage_level=AnalyzePlanResponse.GetStorageLevel(storage_level=level))


def same_semantics(message: AnalyzePlanRequest.SameSemantics, session: Session) -> AnalyzePlanResponse:
    """`df.sameSemantics(other)`: the same operations on the same inputs. May say no where Spark says yes."""
    same = semantic_key(message.target_plan.root) == semantic_key(message.other_plan.root)
    return AnalyzePlanResponse(same_semantics=AnalyzePlanResponse.SameSemantics(result=same))


def hash_of_semantics(message: AnalyzePlanRequest.SemanticHash, session: Session) -> AnalyzePlanResponse:
    """`df.semanticHash()`."""
    result = semantic_hash(message.plan.root)
    return AnalyzePlanResponse(semantic_hash=AnalyzePlanResponse.SemanticHash(result=result))


def checkpoint_command(
    message: proto.CheckpointCommand, execution: Execution
) -> Iterator[ExecutePlanResponse]:
    """`df.checkpoint()` and `df.localCheckpoint()`: both keep the rows for as long as the session lives."""
    session = execution.session
    relation_id = str(uuid.uuid4())
    if message.eager:
        session.relations[relation_id] = compute(message.relation, session)
    else:
        relation = proto.Relation()
        relation.CopyFrom(message.relation)
        session.checkpoints[relation_id] = CachedRelation(relation, message.storage_level)
    result = proto.CheckpointCommandResult(relation=proto.CachedRemoteRelation(relation_id=relation_id))
    yield ExecutePlanResponse(checkpoint_command_result=result)


def remove_cached_remote_relation_command(
    message: proto.RemoveCachedRemoteRelationCommand, execution: Execution
) -> Iterator[ExecutePlanResponse]:
    """The client has let go of a checkpoint. It waits for exactly one response."""
    session = execution.session
    session.relations.pop(message.relation.relation_id, None)
    session.checkpoints.pop(message.relation.relation_id, None)
    yield ExecutePlanResponse()


CACHE_ANALYSES = {
    "persist": persist,
    "unpersist": unpersist,
    "get_storage_level": get_storage_level,
    "same_semantics": same_semantics,
    "semantic_hash": hash_of_semantics,
}

CACHE_COMMANDS = {
    "checkpoint_command": checkpoint_command,
    "remove_cached_remote_relation_command": remove_cached_remote_relation_command,
}
