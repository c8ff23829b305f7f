"""However the rows of two streams are cut and interleaved, they join as the same rows do at once."""

import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from cauce.streaming.sources import MemoryStream

SCHEMA = "id long, name string, score double, ts timestamp"
START = datetime(2024, 2, 29, 23, 59, 50, tzinfo=UTC)
FAR_ID = 999
FAR = (FAR_ID, "far", 0.0, START + timedelta(days=2))
"""A row that pushes the watermark past all others."""

ROWS = st.tuples(
    st.none() | st.integers(0, 3),
    st.none() | st.sampled_from(["a", "b", "ñ🙂"]),
    st.none() | st.integers(-8, 8).map(lambda n: n / 4) | st.just(float("nan")) | st.just(-0.0),
    st.integers(-30_000, 30_000).map(lambda ms: START + timedelta(milliseconds=ms)),
)
SIDE = st.lists(ROWS, max_size=5)
BATCHES = st.lists(st.tuples(SIDE, SIDE), min_size=1, max_size=4)

HOWS = ("inner", "left_outer", "right_outer", "full_outer", "left_semi")


def near(one: DataFrame, other: DataFrame) -> Column:
    five = F.expr("INTERVAL 5 SECONDS")
    return (one.id == other.id) & other.ts.between(one.ts - five, one.ts + five)


CONDITIONS: dict[str, Callable[[DataFrame, DataFrame], Column]] = {
    "a time range": near,
    "two keys, one of them null-safe": lambda a, b: near(a, b) & a.name.eqNullSafe(b.name),
    "a computed key": lambda a, b: near(a, b) & (F.upper(a.name) == F.upper(b.name)),
    "a comparison": lambda a, b: near(a, b) & (a.score <= b.score),
    "conditions on either side": lambda a, b: near(a, b) & (a.score > 0) & (b.name != "a"),
}


@pytest.mark.parametrize("condition", CONDITIONS)
@pytest.mark.parametrize("how", HOWS)
def test_streams_join_like_tables(spark: SparkSession, examples: int, how: str, condition: str) -> None:
    def joined(one: DataFrame, other: DataFrame) -> DataFrame:
        frame = one.join(other, CONDITIONS[condition](one, other), how)
        if how == "left_semi":
            return frame.where(f"id IS NULL OR id <> {FAR_ID}")
        other_id = F.coalesce(one.id, other.id)
        chosen = frame.where(other_id.isNull() | (other_id != FAR_ID))
        return chosen.select(
            one.id, one.name, one.score, one.ts,
            other.id.alias("id2"), other.name.alias("name2"), other.ts.alias("ts2"),
        )  # fmt: skip

    check_every_cut(joined, spark, max(examples // 2, 2))


def check_every_cut(
    joined: Callable[[DataFrame, DataFrame], DataFrame], spark: SparkSession, examples: int
) -> None:
    """Rows drawn at random and delivered in batches join as they do at once."""

    @settings(
        max_examples=examples,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
    )
    @given(BATCHES)
    def every_cut_answers_the_same(batches: list[tuple[list[tuple], list[tuple]]]) -> None:
        left, right = (
            spark.createDataFrame([*(row for batch in batches for row in batch[side]), FAR], SCHEMA)
            for side in (0, 1)
        )
        assert streamed(joined, batches, spark) == sorted(map(repr, joined(left, right).collect()))

    every_cut_answers_the_same()


def streamed(
    query: Callable[[DataFrame, DataFrame], DataFrame],
    batches: list[tuple[list[tuple], list[tuple]]],
    spark: SparkSession,
    state_rows_max: int | None = 2,  # only far rows
) -> list[str]:
    """The stream's whole answer, after the watermark has passed every row."""
    name = f"stream_{uuid.uuid4().hex}"
    sides = [MemoryStream(f"{name}_{side}", SCHEMA) for side in ("left", "right")]
    frames = [
        spark.readStream.format("memory")
        .option("name", f"{name}_{side}")
        .load()
        .withWatermark("ts", "1 hour")
        for side in ("left", "right")
    ]
    running = query(*frames).writeStream.format("memory").queryName(name).start()
    try:
        for batch in [*batches, ([FAR], [FAR])]:
            for stream, rows in zip(sides, batch, strict=True):
                stream.add_data(rows)
            running.processAllAvailable()
        rows_kept = running.lastProgress["stateOperators"][0]["numRowsTotal"]
        assert state_rows_max is None or rows_kept <= state_rows_max
        return sorted(map(repr, spark.table(name).collect()))
    finally:
        running.stop()
