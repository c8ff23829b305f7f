"""The batch relations inside a stream (one side of a join, say), made ready for the engine at start()."""

import contextlib

from pyspark.sql.connect.proto import Relation

from cauce.connect.ml import stage_over_stream
from cauce.connect.plans import prepare
from cauce.plan.transformed_frames import name_transformed_frames
from cauce.plan.walk import children, kind, walk
from cauce.session import Session
from cauce.streaming.planner import reads_stream, stream_schema

__all__ = ["prepare_static_parts"]


def prepare_static_parts(
    relation: Relation, session: Session, lease: contextlib.ExitStack, *, running: bool = True
) -> None:
    """Replace, in place, what the engine cannot run, and pin the files to those there are now.

    Stages of pyspark.ml over the stream become functions of batches, which any fragment can hold.

    What the parts read by reference stays readable until `lease` is closed.
    """
    name_transformed_frames(relation)
    streams, parts = _static_parts(relation, session)
    if not streams:
        return
    for part in parts:
        prepare(part, session, lease, running=running, pinned=running)
    for node in reversed([node for node in walk(relation) if kind(node) == "ml_relation"]):
        stage_over_stream(node, session, lease, lambda below: stream_schema(below, session))


def _static_parts(relation: Relation, session: Session) -> tuple[bool, list[Relation]]:
    """Whether the relation reads a stream, and the largest parts of it that do not."""
    found = [_static_parts(child, session) for child in children(relation)]
    if any(streams for streams, _ in found):
        return True, [part for _, parts in found for part in parts]
    if not found and reads_stream(relation, session):
        return True, []
    return False, [relation]
