"""The life of one micro-batch, in Spark's order, so that a crash anywhere resumes exactly once.

    0. Ask each source for its latest offset        (the file source logs its files here)
    1. Write offsets/N                              (from now on batch N is fixed)
    2. Tell the sources that batch N-1 is done
    3. Purge log entries older than minBatchesToRetain
    4. Compute the batch: sources -> fragments -> stateful operators
    5. Commit the state stores                      (durable before the sink sees anything)
    6. Hand the rows to the sink                    (a repeated batch changes nothing there)
    7. Raise the watermark
    8. Write commits/N                              (with the references to the committed state)

Before 1, 6 and 8 the run makes sure that the checkpoint is still its own: one that was replaced while it
slept hands nothing to the sink. After a crash between 1 and 8 the next run repeats batch N with the same
offsets, watermark and timestamp. Source: MicroBatchExecution.scala of Apache Spark 4.2.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from cauce.checkpoint import CommitEntry, OffsetEntry
from cauce.streaming.execution import Execution
from cauce.streaming.planner.nodes import Batch
from cauce.streaming.progress import BatchProgress, SinkProgress, SourceProgress, format_timestamp
from cauce.streaming.sinks import ReportsMetrics, ShowsLastBatch
from cauce.streaming.sources.source import ReadLimit, Source

__all__ = ["MicroBatches"]

UNLIMITED = ReadLimit()


@dataclass
class MicroBatches:
    """The sequence of a query's batches: which one is next, and running it."""

    execution: Execution
    read_everything: bool = False
    """Trigger.Once ignores rate limits."""
    batch_id: int = 0
    committed: list[str | None] = field(default_factory=list)
    """End offset of each source after the last committed batch, as JSON text."""
    available: list[str | None] = field(default_factory=list)
    """End offset of each source in the batch that is constructed."""
    _constructed: OffsetEntry | None = None
    _is_repeated: bool = False
    """Whether the constructed batch was begun by an earlier run."""
    _last_watermark_ms: int | None = None
    """Watermark of the batch this run finished last; None after a restart."""
    _late_watermark_ms: int = 0
    _state: dict[int, dict[str, Any]] = field(default_factory=dict)
    """References to the state after each retained batch."""

    def restore(self) -> None:
        """Continue where the checkpoint says: repeat an uncommitted batch, or start the next."""
        latest, committed = self.execution.recovered
        none = [None] * len(self.execution.sources)
        self.committed, self.available = list(none), list(none)
        if latest is None:
            return
        self.batch_id, entry = latest
        self._state = self._retained_state()
        self.available = list(entry.offsets)
        self.execution.tracker.restore(entry.watermark_ms)
        if committed is not None and committed[0] == self.batch_id:
            self.execution.tracker.restore(max(entry.watermark_ms, committed[1].next_watermark_ms))
            self.committed = list(entry.offsets)
            self._late_watermark_ms = entry.watermark_ms
            self.batch_id += 1
            return
        self._constructed, self._is_repeated = entry, True
        previous = self.execution.checkpoint.offsets.get(self.batch_id - 1)
        if previous is not None:
            self.committed = list(previous.offsets)
            self._late_watermark_ms = previous.watermark_ms

    def run_next(self, progress: BatchProgress) -> bool:
        """Construct and run the next batch; False if there is nothing to do."""
        if self._constructed is None:
            self._constructed = self._construct(progress)
        if self._constructed is None:
            return False
        self._run(self._constructed, progress)
        self._advance(self._constructed)
        return True

    def compute_constructed(self, progress: BatchProgress) -> pa.Table:
        """The rows of the batch that is to be repeated; nothing is committed, and no sink sees them."""
        assert self._constructed is not None, "restore() found no batch to repeat"
        batch = self._open_batch(self._constructed, progress)
        table = self.execution.compute(batch)
        progress.sources = self._source_progress(batch.input_rows)
        return table

    def allow_batch_without_data(self) -> None:
        """Let the first batch be one without data, for which Spark waits until rows have come."""
        if self._last_watermark_ms is None and any(text is not None for text in self.committed):
            self._last_watermark_ms = self._late_watermark_ms

    def has_new_data(self) -> bool:
        return self.available != self.committed

    # -- steps 0 to 3 ---------------------------------------------------------------------------

    def _construct(self, progress: BatchProgress) -> OffsetEntry | None:
        with progress.timed("latestOffset"):
            self.available = [self._latest_offset(i) for i in range(len(self.execution.sources))]
        watermark_ms = self.execution.tracker.watermark_ms
        if not self.has_new_data() and not self._wants_batch_without_data(watermark_ms):
            return None
        now_ms = max(self.execution.clock.now_ms(), self.execution.last_timestamp_ms)
        entry = OffsetEntry(watermark_ms, now_ms, self.execution.locked_conf, tuple(self.available))
        with progress.timed("walCommit"):
            self.execution.checkpoint.check_owned()
            self.execution.checkpoint.offsets.add(self.batch_id, entry)
        with progress.timed("commitOffsets"):
            self._commit_sources()
            self._purge()
        return entry

    def _latest_offset(self, index: int) -> str | None:
        source = self.execution.sources[index]
        text = self.committed[index]
        start = _start(source, text)
        limit = UNLIMITED if self.read_everything else source.default_limit()
        latest = source.latest_offset(start, limit)
        return text if latest is None or latest == start else source.offset_json(latest)

    def _wants_batch_without_data(self, watermark_ms: int) -> bool:
        if self._last_watermark_ms is None or not self.execution.no_data_batches:
            return False
        now_ms = self.execution.clock.now_ms()
        return any(
            node.wants_batch(watermark_ms, self._last_watermark_ms, self.execution.output_mode, now_ms=now_ms)
            for node in self.execution.stateful_nodes
        )

    def _commit_sources(self) -> None:
        for source, text in zip(self.execution.sources, self.committed, strict=True):
            if text is not None:
                source.commit(source.parse_offset(text))

    def _purge(self) -> None:
        oldest_kept = self.batch_id - self.execution.batches_retained
        if oldest_kept > 0:
            self.execution.checkpoint.offsets.purge(oldest_kept)
            self.execution.checkpoint.commits.purge(oldest_kept)
            self._purge_state(oldest_kept)

    def _purge_state(self, oldest_kept: int) -> None:
        before = self._state
        self._state = {batch_id: kept for batch_id, kept in before.items() if batch_id >= oldest_kept}
        self._delete_stores(_store_names(before) - _store_names(self._state))
        for index, stores in self.execution.stores.items():
            for name, store in stores.items():
                kept = (batch[str(index)] for batch in self._state.values())
                store.purge([stores[name] for stores in kept if name in stores])

    def _delete_stores(self, gone: set[tuple[str, str]]) -> None:
        """Stores of deleted state variables, once no retained batch needs them."""
        checkpoint = self.execution.checkpoint
        for index, name in gone:
            if name not in self.execution.stores.get(int(index), {}):
                checkpoint.file_system.delete_tree(checkpoint.store_path(int(index), name))

    def _retained_state(self) -> dict[int, dict[str, Any]]:
        """The references that commits of the retained batches hold."""
        if not self.execution.stores:
            return {}
        first = max(0, self.batch_id - self.execution.batches_retained)
        commits = {i: self.execution.checkpoint.commits.get(i) for i in range(first, self.batch_id + 1)}
        return {i: commit.state for i, commit in commits.items() if commit is not None and commit.state}

    # -- steps 4 to 8 ---------------------------------------------------------------------------

    def _run(self, entry: OffsetEntry, progress: BatchProgress) -> None:
        execution = self.execution
        batch = self._open_batch(entry, progress)
        with progress.timed("addBatch"):
            table = execution.compute(batch)
            references = self._commit_state(batch)
            execution.checkpoint.check_owned()
            self._commit_dead_letters()
            written = execution.sink.add_batch(self.batch_id, table)
        execution.tracker.advance()
        with progress.timed("commitOffsets"):
            next_watermark_ms = execution.tracker.watermark_ms
            execution.checkpoint.check_owned()
            execution.checkpoint.commits.add(self.batch_id, CommitEntry(next_watermark_ms, references))
            if references is not None:
                self._state[self.batch_id] = references
        self._report(entry, batch, written, progress)

    def _open_batch(self, entry: OffsetEntry, progress: BatchProgress) -> Batch:
        if self.execution.poison is not None:
            ranges = list(zip(self.committed, self.available, strict=True))
            self.execution.poison.begin_batch(self.batch_id, entry.timestamp_ms, ranges)
        with progress.timed("getBatch"):
            rows = {
                index: source.read(_start(source, start), source.parse_offset(end))
                for index, (source, start, end) in enumerate(
                    zip(self.execution.sources, self.committed, self.available, strict=True)
                )
                if end is not None and end != start
            }
        self.execution.tracker.begin_batch()
        return self.execution.open_batch(self.batch_id, rows, entry, self._late_watermark_ms)

    def _commit_dead_letters(self) -> None:
        """Durable before the sink has the batch; those of a batch that it has already stay as they were."""
        sink, poison = self.execution.sink, self.execution.poison
        if poison is None:
            return
        if self._is_repeated and isinstance(sink, ShowsLastBatch) and sink.latest_batch_id() >= self.batch_id:
            return
        poison.letters.commit()

    def _commit_state(self, batch: Batch) -> dict[str, Any] | None:
        references = {
            str(index): self.execution.dormant.get(index, {})
            | {name: store.commit() for name, store in stores.items()}
            for index, stores in batch.stores.items()
        }
        return references or None

    def describe_idle(self, progress: BatchProgress) -> None:
        """What a trigger without a batch tells: where the sources stand, and no rows."""
        progress.sources = self._source_progress({})
        progress.sink = SinkProgress(self.execution.sink.description())

    def _report(self, entry: OffsetEntry, batch: Batch, written: int | None, progress: BatchProgress) -> None:
        progress.sources = self._source_progress(batch.input_rows)
        rows = -1 if written is None else written
        sink = self.execution.sink
        metrics = sink.metrics() if isinstance(sink, ReportsMetrics) else {}
        if self.execution.poison is not None:
            metrics = metrics | self.execution.poison.letters.metrics()
        progress.sink = SinkProgress(sink.description(), rows, metrics)
        progress.state_operators = [
            batch.operator_metrics[node.index].json_value(*batch.stores[node.index].values())
            for node in self.execution.stateful_nodes
        ]
        progress.observed_metrics = batch.observed
        if self.execution.tracker.is_used:
            progress.event_time = {
                "watermark": format_timestamp(entry.watermark_ms),
                **self.execution.tracker.statistics(),
            }

    def _source_progress(self, input_rows: Mapping[int, int]) -> list[SourceProgress]:
        return [
            SourceProgress(
                description=source.description(),
                start_offset=self.committed[index],
                end_offset=self.available[index],
                latest_offset=_json(source, source.report_latest_offset()),
                num_input_rows=input_rows.get(index, 0),
                metrics=source.metrics(_parsed(source, self.available[index])),
            )
            for index, source in enumerate(self.execution.sources)
        ]

    def _advance(self, entry: OffsetEntry) -> None:
        self.execution.last_timestamp_ms = entry.timestamp_ms
        self.committed = list(self.available)
        self._last_watermark_ms = self._late_watermark_ms = entry.watermark_ms
        self._constructed, self._is_repeated = None, False
        self.batch_id += 1


def _start(source: Source, text: str | None) -> Any:
    return source.initial_offset() if text is None else source.parse_offset(text)


def _parsed(source: Source, text: str | None) -> Any:
    return None if text is None else source.parse_offset(text)


def _json(source: Source, offset: Any) -> str | None:
    return None if offset is None else source.offset_json(offset)


def _store_names(state: Mapping[int, dict[str, Any]]) -> set[tuple[str, str]]:
    """Operator and store of every reference."""
    return {(index, name) for kept in state.values() for index, stores in kept.items() for name in stores}
