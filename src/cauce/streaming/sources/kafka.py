"""The Kafka source: ranges of offsets, with Spark's limits, its checks for lost data and its metrics.

Source: KafkaMicroBatchStream.scala and KafkaOffsetReader.scala of Apache Spark 4.2.
"""

import functools
from collections.abc import Mapping
from typing import Any

import pyarrow as pa
from pyspark.sql.types import StructType

from cauce.checkpoint import InitialOffset
from cauce.errors import IllegalArgumentException
from cauce.kafka import (
    Client,
    DataLoss,
    OffsetReader,
    Offsets,
    RangeReader,
    check_frozen_end,
    kafka_options,
    kafka_schema,
    offsets_behind,
    offsets_json,
    parse_offsets,
    prorated,
    require_client,
    total_behind,
)
from cauce.streaming.sources.source import ReadLimit, SourceContext, SourceOptions

__all__ = ["KafkaSource"]


class KafkaSource:
    """An offset is, by partition, the offset of the next record."""

    def __init__(self, options: SourceOptions, context: SourceContext) -> None:
        self._options = kafka_options(options.options, streaming=True)
        self._clock = context.clock
        self._log = InitialOffset(context.file_system, context.metadata_path, zero_byte=True)
        self._initial: Offsets | None = None
        self._latest: Offsets | None = None
        self._freezes = False
        self._frozen: Offsets | None = None
        self._triggered_ms = 0
        self.schema = kafka_schema(self._options.include_headers)

    @classmethod
    def describe_schema(cls, options: SourceOptions, context: SourceContext) -> StructType:
        described = kafka_options(options.options, streaming=True)
        if options.schema is not None:
            raise IllegalArgumentException(
                None,
                "requirement failed: Kafka source has a fixed schema and cannot be set with a custom one",
            )
        require_client()
        return kafka_schema(described.include_headers)

    def description(self) -> str:
        return f"KafkaV2[{self._options.strategy}]"

    def default_limit(self) -> ReadLimit:
        return ReadLimit(
            rows_max=self._options.offsets_max,
            rows_min=self._options.offsets_min,
            delay_ms_max=self._options.trigger_delay_ms_max,
        )

    def initial_offset(self) -> Offsets:
        if self._initial is None:
            begin = self._offsets.starting
            text = self._log.read_or_create(lambda: offsets_json(begin(self._options.starting)))
            self._initial = parse_offsets(text)
        return self._initial

    def latest_offset(self, start: Offsets | None, limit: ReadLimit) -> Offsets | None:
        start = self.initial_offset() if start is None else start
        self._tell_group(start)
        latest = self._latest = self._available(start)
        if self._waits(limit, start, latest):
            return start
        if limit.rows_max is not None:
            beginnings = start | self._offsets.earliest(latest.keys() - start.keys())
            latest = prorated(limit.rows_max, beginnings, latest)
        return latest or None

    def report_latest_offset(self) -> Offsets | None:
        return self._latest or None

    def prepare_for_trigger_available_now(self) -> None:
        self._freezes = True

    def read(self, start: Offsets | None, end: Offsets) -> pa.Table:
        start = self.initial_offset() if start is None else start
        if self._frozen is not None:
            check_frozen_end(self._frozen, end, self._offsets.latest(end))
        added = self._offsets.earliest(end.keys() - start.keys())
        return self._reader.read(DataLoss(self._options).ranges(start, end, added))

    def locate(self, rows: pa.Table | None, position: int | None) -> Mapping[str, Any]:
        assert rows is not None and position is not None, "records are read here"
        return {name: rows.column(name)[position].as_py() for name in ("topic", "partition", "offset")}

    def commit(self, end: Offsets) -> None:
        """The checkpoint alone says what was read."""

    def offset_json(self, offset: Offsets) -> str:
        return offsets_json(offset)

    def parse_offset(self, text: str) -> Offsets:
        return parse_offsets(text)

    def metrics(self, end: Offsets | None) -> dict[str, str]:
        behind = {} if end is None or self._latest is None else offsets_behind(end, self._latest)
        skipped = self._reader.skipped if "_reader" in self.__dict__ else 0
        return behind | ({"offsetOutOfRange": str(skipped)} if skipped else {})

    def stop(self) -> None:
        for name in ("_client", "_group"):
            if name in self.__dict__:
                self.__dict__.pop(name).close()

    # Connections are made on the query's own thread, when they are first needed.

    @functools.cached_property
    def _client(self) -> Client:
        return Client(self._options.properties, self._options.group_id)

    @functools.cached_property
    def _group(self) -> Client:
        return Client(self._options.properties, self._options.commit_group or "")

    @functools.cached_property
    def _offsets(self) -> OffsetReader:
        return OffsetReader(self._client, self._options)

    @functools.cached_property
    def _reader(self) -> RangeReader:
        return RangeReader(self._client, self._options)

    def _available(self, start: Offsets) -> Offsets:
        if not self._freezes:
            return self._offsets.latest(start)
        if self._frozen is None:
            self._frozen = self._offsets.latest(start)
        return self._frozen

    def _waits(self, limit: ReadLimit, start: Offsets, latest: Offsets) -> bool:
        """Whether there is too little to be worth a batch, and there was one not long ago."""
        if limit.rows_min is None:
            return False
        now_ms = self._clock.now_ms()
        overdue = now_ms - self._triggered_ms >= (limit.delay_ms_max or 0)
        if not overdue and total_behind(start, latest) < limit.rows_min:
            return True
        self._triggered_ms = now_ms
        return False

    def _tell_group(self, done: Offsets) -> None:
        """A batch starts where the last one is committed: that is what lag is measured from."""
        if self._options.commit_group is not None:
            self._group.tell(done)
