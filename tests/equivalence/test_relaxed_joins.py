"""Under cauce.sql.streaming.relaxed, anti joins and joins without an equality join as tables do."""

from collections.abc import Callable

import pytest
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from tests.equivalence.test_joins import CONDITIONS, FAR, FAR_ID, check_every_cut, streamed


def near_in_time(one: DataFrame, other: DataFrame) -> Column:
    five = F.expr("INTERVAL 5 SECONDS")
    return other.ts.between(one.ts - five, one.ts + five)


WITHOUT_EQUALITY: dict[str, Callable[[DataFrame, DataFrame], Column]] = {
    "a time range": near_in_time,
    "a time range and a comparison": lambda a, b: near_in_time(a, b) & (a.score <= b.score),
    "a time range and an inequality": lambda a, b: near_in_time(a, b) & (a.id != b.id),
    "a time range and either side": lambda a, b: near_in_time(a, b) & (a.score > 0) & (b.name != "a"),
}

CASES = [
    *(("left_anti", name, condition) for name, condition in {**CONDITIONS, **WITHOUT_EQUALITY}.items()),
    *(
        (how, name, condition)
        for how in ("inner", "left_outer", "full_outer", "left_semi")
        for name, condition in WITHOUT_EQUALITY.items()
    ),
]


@pytest.mark.parametrize(("how", "condition"), [pytest.param(h, c, id=f"{h}: {n}") for h, n, c in CASES])
def test_streams_join_like_tables(
    spark: SparkSession, examples: int, how: str, condition: Callable[[DataFrame, DataFrame], Column]
) -> None:
    spark.conf.set("cauce.sql.streaming.relaxed", "true")

    def joined(one: DataFrame, other: DataFrame) -> DataFrame:
        frame = one.join(other, condition(one, other), how)
        chosen = frame.where(one.id.isNull() | (one.id != FAR_ID))
        if how in ("left_semi", "left_anti"):
            return chosen
        chosen = chosen.where(other.id.isNull() | (other.id != FAR_ID))
        return chosen.select(one.id, one.name, one.ts, other.id.alias("id2"), other.ts.alias("ts2"))

    check_every_cut(joined, spark, max(examples // 3, 2))


def test_streams_cross_join_like_tables(spark: SparkSession) -> None:
    spark.conf.set("cauce.sql.streaming.relaxed", "true")
    batches = [([(1, "a", 0.5, FAR[3])], [(2, "b", 0.5, FAR[3])]), ([(3, None, 0.5, FAR[3])], [])]

    def joined(one: DataFrame, other: DataFrame) -> DataFrame:
        return (
            one.select("id")
            .crossJoin(other.select(other.name.alias("n")))
            .where(f"id <> {FAR_ID} AND n <> 'far'")
        )

    answer = streamed(joined, batches, spark, state_rows_max=None)
    assert answer == ["Row(id=1, n='b')", "Row(id=3, n='b')"]
