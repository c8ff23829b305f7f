"""What every stateful operator promises, whichever it is."""

from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pytest

from cauce.files import LocalFileSystem
from cauce.state import StateStore
from cauce.streaming.operators import (
    AggregateCall,
    OperatorMetrics,
    StatefulOperator,
    StreamingAggregate,
    StreamingDeduplicate,
    StreamingDeduplicateWithinWatermark,
    StreamingLimit,
    StreamingSessionAggregate,
)
from tests.operators.conftest import SECOND_US, WINDOW, timestamps, windows

SCHEMA = pa.schema(
    [("window", WINDOW), ("key", pa.string()), ("time", pa.timestamp("us", "UTC")), ("x", pa.float64())]
)
CALLS = [
    AggregateCall("count", "n", pa.int64()),
    AggregateCall("sum", "total", pa.float64(), ("x",), (pa.float64(),)),
    AggregateCall("last", "latest", pa.float64(), ("x",), (pa.float64(),)),
    AggregateCall("collect_list", "all", pa.list_(pa.float64()), ("x",), (pa.float64(),)),
    AggregateCall("approx_count_distinct", "about", pa.int64(), ("x",), (pa.float64(),)),
]
OPERATORS: dict[str, tuple[Callable[[], StatefulOperator], str]] = {
    "append": (lambda: StreamingAggregate(SCHEMA, ["window", "key"], CALLS, "window", None), "append"),
    "update": (lambda: StreamingAggregate(SCHEMA, ["window", "key"], CALLS, "window", None), "update"),
    "complete": (lambda: StreamingAggregate(SCHEMA, ["key"], CALLS, None, None), "complete"),
    "no keys": (lambda: StreamingAggregate(SCHEMA, [], CALLS, None, None), "update"),
    "sessions": (
        lambda: StreamingSessionAggregate(
            SCHEMA, ["key", "window"], CALLS, "window", None, is_watermarked=True
        ),
        "append",
    ),
    "distinct rows": (lambda: StreamingDeduplicate(SCHEMA, ["key", "time"], "time", None), "append"),
    "distinct within": (
        lambda: StreamingDeduplicateWithinWatermark(SCHEMA, ["key"], "time", 5000, None),
        "append",
    ),
    "limit": (lambda: StreamingLimit(SCHEMA, 5, None), "append"),
}
BATCHES = [
    [(12, "a", 1.0), (13, "b", 2.5), (14, "a", None), (12, None, 0.25)],
    [(17, "a", 3.0), (11, "a", 0.5), (17, "a", 3.0)],
    [],
    [(30, "c", 4.0), (19, "b", float("nan"))],
    [(2, "late", 1.0), (41, "a", -0.0)],
]
WATERMARKS = [0, 4, 9, 9, 25, 36]
"""The watermark of each batch in seconds; the first is the one before any."""

Answer = list[dict[str, Any]]


@pytest.fixture(params=OPERATORS)
def case(request) -> tuple[Callable[[], StatefulOperator], str]:
    return OPERATORS[request.param]


def open_store(operator: StatefulOperator, path: str, reference: dict[str, Any] | None) -> StateStore:
    return StateStore.open(
        LocalFileSystem(),
        path,
        key_schema=operator.key_schema,
        value_schema=operator.value_schema,
        reference=reference,
        event_time=operator.event_time,
        multi_row=operator.multi_row,
    )


def table(rows: list[tuple]) -> pa.Table:
    seconds, keys, values = ([row[i] for row in rows] for i in range(3))
    columns = [
        windows(seconds),
        pa.array(keys, pa.string()),
        timestamps(seconds),
        pa.array(values, pa.float64()),
    ]
    return pa.table(columns, schema=SCHEMA)


def run(operator: StatefulOperator, store: StateStore, index: int, mode: str) -> tuple[str, OperatorMetrics]:
    """The rows of one batch as text, in which NaN equals itself."""
    output, metrics = operator.process(
        table(BATCHES[index]),
        store,
        late_watermark_us=WATERMARKS[index] * SECOND_US,
        eviction_watermark_us=WATERMARKS[index + 1] * SECOND_US,
        output_mode=mode,
    )
    assert output.schema.equals(operator.output_schema)
    return str(sorted(output.to_pylist(), key=str)), metrics


def test_a_batch_run_again_after_a_rollback_gives_the_same_rows(case, tmp_path):
    build, mode = case
    operator = build()
    store = open_store(operator, str(tmp_path), None)
    for index in range(len(BATCHES)):
        rows, metrics = run(operator, store, index, mode)
        store.rollback()
        again, metrics_again = run(operator, store, index, mode)
        counted = ("rows_updated", "rows_removed", "rows_dropped_by_watermark", "custom")
        assert rows == again
        assert [getattr(metrics, n) for n in counted] == [getattr(metrics_again, n) for n in counted]
        store.commit()


def test_a_new_operator_on_the_committed_state_goes_on_as_the_old_one(case, tmp_path):
    build, mode = case
    lasting = build()
    lasting_store = open_store(lasting, str(tmp_path / "lasting"), None)
    reference = None
    for index in range(len(BATCHES)):
        restarted = build()
        store = open_store(restarted, str(tmp_path / "restarted"), reference)
        expected, _ = run(lasting, lasting_store, index, mode)
        lasting_store.commit()
        assert run(restarted, store, index, mode)[0] == expected
        assert store.num_rows == lasting_store.num_rows
        reference = store.commit()
        store.close()


def test_progress_has_the_fields_of_spark(case, tmp_path):
    build, mode = case
    operator = build()
    store = open_store(operator, str(tmp_path), None)
    _, metrics = run(operator, store, 0, mode)
    store.commit()
    assert list(metrics.json_value(store)) == [
        "operatorName",
        "numRowsTotal",
        "numRowsUpdated",
        "allUpdatesTimeMs",
        "numRowsRemoved",
        "allRemovalsTimeMs",
        "commitTimeMs",
        "memoryUsedBytes",
        "numRowsDroppedByWatermark",
        "numShufflePartitions",
        "numStateStoreInstances",
        "customMetrics",
    ]


def test_no_batch_without_data_while_the_watermark_stands_still(case):
    build, mode = case
    operator = build()
    assert not operator.should_run_another_batch(5, 5, mode)
    assert not operator.should_run_another_batch(None, None, mode)
    wants_one = operator.operator_name != "globalLimit" and mode != "complete"
    assert operator.should_run_another_batch(6, 5, mode) == wants_one
