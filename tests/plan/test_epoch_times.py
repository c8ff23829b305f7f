"""Moments made of numbers have the session's hours, days and text."""

import uuid
from collections.abc import Callable

import pytest
from pyspark.sql import functions as F
from pyspark.sql.connect.dataframe import DataFrame
from pyspark.sql.connect.proto import Relation
from pyspark.sql.connect.session import SparkSession

from cauce.engine import Engine, EngineSession
from cauce.plan.epoch_times import localize_epoch_times

MIDNIGHT_IN_NEW_YORK_S = 1_710_046_800


def test_hours_and_text_are_the_sessions(
    spark: SparkSession, plan_of: Callable[[DataFrame], Relation], engine: Engine
) -> None:
    in_new_york = engine.session("tester", str(uuid.uuid4()))
    in_new_york.config_set({"spark.sql.session.timeZone": "America/New_York"})
    seconds = spark.createDataFrame([(MIDNIGHT_IN_NEW_YORK_S,)], "s long")
    moment = F.timestamp_seconds("s")
    relation = plan_of(seconds.select(F.hour(moment).alias("h"), moment.cast("string").alias("t")))
    row = in_new_york.run(localize_epoch_times(relation)).to_pylist()[0]
    assert row == {"h": 0, "t": "2024-03-10 00:00:00"}


@pytest.mark.parametrize(
    "shape",
    [
        lambda frame: frame.select(F.timestamp_micros("id"), F.timestamp_seconds("id").cast("string")),
        lambda frame: frame.groupBy(F.timestamp_millis("id")).agg(F.max(F.timestamp_micros("id"))),
    ],
)
def test_columns_keep_their_names(
    spark: SparkSession,
    plan_of: Callable[[DataFrame], Relation],
    session: EngineSession,
    shape: Callable[[DataFrame], DataFrame],
) -> None:
    relation = plan_of(shape(spark.range(1)))
    assert session.schema(localize_epoch_times(relation)).names == session.schema(relation).names
