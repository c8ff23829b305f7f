"""However events come, sessions are those a single pass over the sorted events finds."""

import tempfile

import pyarrow as pa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cauce.files import LocalFileSystem
from cauce.state import StateStore
from cauce.streaming.operators import AggregateCall, StreamingSessionAggregate

TIMESTAMP = pa.timestamp("us", "UTC")
WINDOW = pa.struct([("start", TIMESTAMP), ("end", TIMESTAMP)])
SCHEMA = pa.schema([("session", WINDOW), ("key", pa.string()), ("time", pa.int64())])
CALLS = [
    AggregateCall("count", "n", pa.int64()),
    AggregateCall("sum", "total", pa.int64(), ("time",), (pa.int64(),)),
    AggregateCall("min_by", "earliest", pa.int64(), ("time", "time"), (pa.int64(), pa.int64())),
]
OPERATOR = StreamingSessionAggregate(SCHEMA, ["session", "key"], CALLS, "session", None, is_watermarked=False)

# Key, time and gap: gaps differ from row to row, as dynamic gaps do.
EVENTS = st.tuples(st.sampled_from(["a", "b", None]), st.integers(0, 60), st.integers(1, 8))
BATCHES = st.lists(st.lists(EVENTS, max_size=12), min_size=1, max_size=5)

Event = tuple[str | None, int, int]


def test_every_cut_gives_the_sessions_of_one_pass(examples: int) -> None:
    @settings(max_examples=10 * examples, deadline=None, suppress_health_check=list(HealthCheck))
    @given(BATCHES)
    def cut_into_batches(batches: list[list[Event]]) -> None:
        assert streamed(batches) == one_pass([event for batch in batches for event in batch])

    cut_into_batches()


def one_pass(events: list[Event]) -> list[tuple]:
    """Key, start, end, count, sum and minimum of the times, worked out event by event."""
    sessions: list[list] = []
    for key, time, gap in sorted(events, key=lambda event: (str(event[0]), event[1])):
        if not sessions or sessions[-1][0] != key or time > sessions[-1][2]:
            sessions.append([key, time, time + gap, 0, 0, time])
        session = sessions[-1]
        session[2] = max(session[2], time + gap)
        session[3] += 1
        session[4] += time
    return sorted((tuple(session) for session in sessions), key=str)


def streamed(batches: list[list[Event]]) -> list[tuple]:
    with tempfile.TemporaryDirectory() as folder:
        store = StateStore.open(
            LocalFileSystem(),
            folder,
            key_schema=OPERATOR.key_schema,
            value_schema=OPERATOR.value_schema,
            reference=None,
            event_time=OPERATOR.event_time,
            multi_row=True,
        )
        for batch in batches:
            output, _ = OPERATOR.process(
                table(batch),
                store,
                late_watermark_us=None,
                eviction_watermark_us=None,
                output_mode="complete",
            )
        store.close()
    rows = output.to_pylist()
    found = [(row["key"], *bounds(row["session"]), row["n"], row["total"], row["earliest"]) for row in rows]
    return sorted(found, key=str)


def bounds(window: dict) -> tuple[int, int]:
    return int(window["start"].timestamp()), int(window["end"].timestamp())


def table(events: list[Event]) -> pa.Table:
    starts = pa.array([time * 1_000_000 for _, time, _ in events], pa.int64())
    ends = pa.array([(time + gap) * 1_000_000 for _, time, gap in events], pa.int64())
    window = pa.StructArray.from_arrays([starts.view(TIMESTAMP), ends.view(TIMESTAMP)], fields=list(WINDOW))
    keys = pa.array([key for key, _, _ in events], pa.string())
    return pa.table([window, keys, pa.array([time for _, time, _ in events], pa.int64())], schema=SCHEMA)
