"""One batch of a checkpoint computed again: its offsets, time, watermarks, and the state there was before it.

Nothing is written: not the checkpoint, not the state, not the sink. A batch that failed before its commit can
be replayed like one that is done, as long as what it began with is retained.
"""

from dataclasses import dataclass

import pyarrow as pa

from cauce.checkpoint import Checkpoint, CommitEntry, OffsetEntry
from cauce.clock import Clock
from cauce.conf import Conf
from cauce.errors import IllegalStateException
from cauce.session import Session
from cauce.streaming.execution import build_execution
from cauce.streaming.micro_batch import MicroBatches
from cauce.streaming.planner import StreamingPlan
from cauce.streaming.progress import BatchProgress
from cauce.streaming.sinks import SinkContext, SinkOptions
from cauce.streaming.sinks.noop import NoopSink

__all__ = ["ReplayedBatch", "replay_batch"]


@dataclass(frozen=True)
class ReplayedBatch:
    """What the sink would get, and what the batch was computed with."""

    rows: pa.Table
    input_rows: int
    timestamp_ms: int
    watermark_ms: int
    committed: bool


def replay_batch(
    plan: StreamingPlan,
    checkpoint: Checkpoint,
    batch_id: int,
    *,
    session: Session,
    clock: Clock,
    conf: Conf,
    sink: SinkOptions,
    context: SinkContext,
) -> ReplayedBatch:
    """The batch's rows; IllegalStateException says what is no longer there to compute them."""
    entry = _offsets_of(checkpoint, batch_id)
    before = _commit_before(checkpoint, batch_id, stateful=bool(plan.stateful))
    if len(entry.offsets) != len(plan.sources):
        raise _cannot(
            batch_id, f"it has {len(entry.offsets)} sources and the script's query {len(plan.sources)}"
        )
    execution = build_execution(
        plan,
        checkpoint,
        ((batch_id, entry), before),
        session=session,
        clock=clock,
        conf=conf,
        sink=NoopSink(sink, context),
        output_mode=sink.output_mode.lower(),
    )
    try:
        batches = MicroBatches(execution)
        batches.restore()
        progress = BatchProgress("", "", None, batch_id, entry.timestamp_ms, None)
        rows = batches.compute_constructed(progress)
    finally:
        execution.close()
    committed = checkpoint.commits.get(batch_id) is not None
    return ReplayedBatch(rows, progress.num_input_rows, entry.timestamp_ms, entry.watermark_ms, committed)


def _offsets_of(checkpoint: Checkpoint, batch_id: int) -> OffsetEntry:
    known = checkpoint.offsets.folder.batch_ids()
    if not known:
        raise IllegalStateException(None, f"{checkpoint.path} is not a checkpoint with batches.")
    entry = checkpoint.offsets.get(batch_id)
    if entry is None and batch_id > known[-1]:
        raise _cannot(batch_id, f"the last batch that began is {known[-1]}")
    if entry is None:
        raise _cannot(
            batch_id, f"its offsets are no longer retained; the oldest are those of batch {known[0]}"
        )
    if batch_id > 0 and checkpoint.offsets.get(batch_id - 1) is None:
        raise _cannot(
            batch_id, f"it begins where batch {batch_id - 1} ended, whose offsets are no longer retained"
        )
    return entry


def _commit_before(
    checkpoint: Checkpoint, batch_id: int, *, stateful: bool
) -> tuple[int, CommitEntry] | None:
    if batch_id == 0:
        return None
    commit = checkpoint.commits.get(batch_id - 1)
    if stateful and (commit is None or commit.state is None):
        raise _cannot(batch_id, f"the state that batch {batch_id - 1} left is no longer retained")
    return None if commit is None else (batch_id - 1, commit)


def _cannot(batch_id: int, reason: str) -> IllegalStateException:
    retention = "spark.sql.streaming.minBatchesToRetain says how many batches are kept"
    return IllegalStateException(None, f"Batch {batch_id} cannot be replayed: {reason} ({retention}).")
