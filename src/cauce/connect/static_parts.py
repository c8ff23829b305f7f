"""The batch relations inside a stream (one side of a join, say), made ready for the engine at start()."""

import contextlib

from pyspark.sql.connect.proto import Relation

from cauce.connect.plans import prepare
from cauce.plan.walk import children
from cauce.session import Session
from cauce.streaming.planner import reads_stream

__all__ = ["prepare_static_parts"]


def prepare_static_parts(
    relation: Relation, session: Session, lease: contextlib.ExitStack, *, running: bool = True
) -> None:
    """Replace, in place, what the engine cannot run, and pin the files to those there are now.

    What the parts read by reference stays readable until `lease` is closed.
    """
    streams, parts = _static_parts(relation, session)
    for part in parts if streams else ():
        prepare(part, session, lease, running=running, pinned=running)


def _static_parts(relation: Relation, session: Session) -> tuple[bool, list[Relation]]:
    """Whether the relation reads a stream, and the largest parts of it that do not."""
    found = [_static_parts(child, session) for child in children(relation)]
    if any(streams for streams, _ in found):
        return True, [part for _, parts in found for part in parts]
    if not found and reads_stream(relation, session):
        return True, []
    return False, [relation]
