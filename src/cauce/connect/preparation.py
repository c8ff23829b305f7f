"""What rewriting a plan for Sail needs, and what it leaves behind."""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field

import pyarrow as pa
from pyspark.sql.connect.proto import Relation

from cauce.session import Session

__all__ = ["ObservedMetrics", "Preparation", "replace"]


@dataclass(frozen=True)
class ObservedMetrics:
    """An `observe` in the plan: the aggregate to run once the plan itself has run."""

    name: str
    plan_id: int
    aggregate: Relation


@dataclass
class Preparation:
    """One preparation of one plan."""

    session: Session
    lease: contextlib.ExitStack
    """Tables that the plan reads by reference stay readable until this is closed."""
    compute: Callable[[Relation], pa.Table]
    """The rows of a relation that was not prepared yet (a checkpoint, a persisted relation)."""
    running: bool = True
    """False when the plan is only analysed, so that nothing must be computed for it."""
    pinned: bool = False
    """True for a relation that runs in every batch of a stream, over the files of its first run."""
    observed: list[ObservedMetrics] = field(default_factory=list)


def replace(node: Relation, replacement: Relation) -> None:
    """Put another relation in this one's place, under the same plan id."""
    has_id, plan_id = node.common.HasField("plan_id"), node.common.plan_id
    node.CopyFrom(replacement)
    if has_id:
        node.common.plan_id = plan_id
