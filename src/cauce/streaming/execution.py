"""One run of a query made live: everything is built from its description and its checkpoint alone."""

import dataclasses
import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from cauce.checkpoint import Checkpoint, CommitEntry, OffsetEntry, locked_conf, recover, restore_locked_conf
from cauce.clock import Clock
from cauce.conf import Conf
from cauce.engine import StreamEngine
from cauce.session import Session
from cauce.state.store import StateStore
from cauce.streaming.dead_letters import DeadLetterOptions, DeadLetters
from cauce.streaming.planner import StreamingPlan
from cauce.streaming.planner.nodes import Batch, RemembersNode, Rows, table
from cauce.streaming.planner.poison import PoisonRows
from cauce.streaming.planner.source_leaf import SourceLeaf
from cauce.streaming.sinks import ShowsLastBatch, Sink, SinkContext
from cauce.streaming.sources import Source, SourceContext, source_class
from cauce.streaming.state_agreement import agree_on_state
from cauce.streaming.state_stores import check_properties, dormant_state, open_stores
from cauce.streaming.watermark import WatermarkTracker

__all__ = ["Execution", "build_execution", "open_execution", "sink_context"]

Recovered = tuple[tuple[int, OffsetEntry] | None, tuple[int, CommitEntry] | None]


@dataclass
class Execution:
    """The live parts of a run. Used by the query's own thread only, except `close`."""

    checkpoint: Checkpoint
    recovered: Recovered
    plan: StreamingPlan
    engine: StreamEngine
    clock: Clock
    conf: Conf
    output_mode: str
    sources: list[Source]
    sink: Sink
    stores: dict[int, dict[str, StateStore]]
    tracker: WatermarkTracker
    locked_conf: dict[str, str]
    dormant: dict[int, dict[str, Any]]
    """References to state that the query does not use now, but may again: state variables left out."""
    poison: PoisonRows | None = None
    """Takes rows that would fail the query; None when they do."""
    last_timestamp_ms: int = 0
    """Batch timestamps never go back, whatever the machine's clock does."""

    @property
    def stateful_nodes(self) -> tuple[RemembersNode, ...]:
        return self.plan.stateful

    @property
    def no_data_batches(self) -> bool:
        return self.conf.flag("spark.sql.streaming.noDataMicroBatches.enabled")

    @property
    def batches_retained(self) -> int:
        return self.conf.number("spark.sql.streaming.minBatchesToRetain")

    def open_batch(
        self, batch_id: int, rows: Mapping[int, Rows], entry: OffsetEntry, late_watermark_ms: int
    ) -> Batch:
        """A batch over these rows at the logged time and watermark."""
        return Batch(
            batch_id=batch_id,
            engine=self.engine,
            timestamp_ms=entry.timestamp_ms,
            late_watermark_ms=late_watermark_ms,
            watermark_ms=entry.watermark_ms,
            output_mode=self.output_mode,
            source_rows=rows,
            tracker=self.tracker,
            stores=self.stores,
            poison=self.poison,
        )

    def compute(self, batch: Batch) -> pa.Table:
        """The rows of the whole plan, in the sink's schema."""
        return table(self.plan.root, batch)

    def close(self) -> None:
        for source in self.sources:
            source.stop()
        self.sink.stop()
        for stores in self.stores.values():
            for store in stores.values():
                store.close()


def open_execution(
    plan: StreamingPlan,
    checkpoint: Checkpoint,
    *,
    session: Session,
    clock: Clock,
    conf: Conf,
    sink: Sink,
    output_mode: str,
    dead_letters: DeadLetterOptions | None = None,
) -> Execution:
    """Recover the checkpoint, then build sources and stores on it."""
    shown = sink.latest_batch_id() if isinstance(sink, ShowsLastBatch) else None
    recovered = recover(checkpoint, sink_batch_id=shown, source_count=len(plan.sources))
    return build_execution(
        plan,
        checkpoint,
        recovered,
        session=session,
        clock=clock,
        conf=conf,
        sink=sink,
        output_mode=output_mode,
        poison=None if dead_letters is None else _poison_rows(dead_letters, checkpoint),
    )


def build_execution(
    plan: StreamingPlan,
    checkpoint: Checkpoint,
    recovered: Recovered,
    *,
    session: Session,
    clock: Clock,
    conf: Conf,
    sink: Sink,
    output_mode: str,
    poison: PoisonRows | None = None,
) -> Execution:
    """Sources and stores as they are after the last commit of `recovered`."""
    latest, committed = recovered
    if latest is not None:
        conf = restore_locked_conf(conf, latest[1].conf)
    commit = None if committed is None else committed[1]
    check_properties(plan.stateful, checkpoint, next_batch_id(recovered))
    agree_on_state(checkpoint, plan.stateful, commit, conf)
    references = (commit.state or {}) if commit is not None else {}
    tracker = WatermarkTracker(
        [node.delay_ms for node in plan.watermarks], conf.get("spark.sql.streaming.multipleWatermarkPolicy")
    )
    source_context = _SourceContexts(checkpoint, session, clock, conf, poison)
    sources = [_open_source(plan.sources[i], source_context.of(i)) for i in range(len(plan.sources))]
    if poison is not None:
        poison.sources = sources
    return Execution(
        checkpoint=checkpoint,
        recovered=recovered,
        plan=plan,
        engine=_stream_engine(session, conf),
        clock=clock,
        conf=conf,
        output_mode=output_mode,
        sources=sources,
        sink=sink,
        stores=open_stores(plan.stateful, checkpoint, references, conf),
        tracker=tracker,
        locked_conf=locked_conf(conf),
        dormant=dormant_state(plan.stateful, references),
        poison=poison,
        last_timestamp_ms=latest[1].timestamp_ms if latest is not None else 0,
    )


def _stream_engine(session: Session, conf: Conf) -> StreamEngine:
    defines_functions = any(kind.startswith("register_") for kind, _ in list(session.definitions))
    return StreamEngine(session.engine, conf.values, always_user=defines_functions)


def next_batch_id(recovered: Recovered) -> int:
    """The batch that the run starts with: the one that was not committed, or a new one."""
    latest, committed = recovered
    if latest is None:
        return 0
    return latest[0] + 1 if committed is not None and committed[0] == latest[0] else latest[0]


@dataclass(frozen=True)
class _SourceContexts:
    """What the sources of a run share."""

    checkpoint: Checkpoint
    session: Session
    clock: Clock
    conf: Conf
    poison: PoisonRows | None

    def of(self, index: int) -> SourceContext:
        return SourceContext(
            clock=self.clock,
            conf=self.conf,
            file_system=self.checkpoint.file_system,
            metadata_path=self.checkpoint.source_path(index),
            engine=self.session.engine,
            data_sources=self.session.data_sources,
            put_aside=None if self.poison is None else functools.partial(self.poison.add_malformed, index),
        )


def _open_source(leaf: SourceLeaf, context: SourceContext) -> Source:
    options = dataclasses.replace(leaf.options, schema=leaf.schema)
    return source_class(options, context)(options, context)


def _poison_rows(options: DeadLetterOptions, checkpoint: Checkpoint) -> PoisonRows:
    query_id = checkpoint.metadata.read_or_create()
    return PoisonRows(DeadLetters(options, checkpoint.file_system, query_id))


def sink_context(
    plan: StreamingPlan,
    checkpoint: Checkpoint,
    *,
    session: Session,
    clock: Clock,
    conf: Conf,
) -> SinkContext:
    """What the sink of a query on this checkpoint may use."""
    return SinkContext(
        clock=clock,
        conf=conf,
        file_system=checkpoint.file_system,
        engine=session.engine,
        session=session,
        query_id=checkpoint.metadata.read_or_create(),
        schema=plan.root.schema,
        emit=session.write_to_client,
    )
