"""Dates and moments in JSON, however they are written."""

from pyspark.sql import functions as F
from pyspark.sql.types import StructType, TimestampNTZType

SCHEMA = "u STRING, at TIMESTAMP, days ARRAY<DATE>"


def test_moments_in_json(spark):
    spark.conf.set("spark.sql.session.timeZone", "America/New_York")
    lines = [
        '{"u":"a","at":"2024-01-01T00:00:01Z"}',
        '{"u":"b","at":"2024-01-01 00:00:01.5","days":["2024-01-02"]}',
        '{"u":"c","at":"2024-01-01T00:00:01.123+02:00"}',
        '{"u":"d","at":"soon"}',
        "no json",
        None,
    ]
    df = spark.createDataFrame([(line,) for line in lines], "v STRING")
    read = df.select(F.from_json("v", SCHEMA))
    assert read.columns == ["from_json(v)"]
    rows = read.selectExpr("`from_json(v)` AS j").selectExpr(
        "j.u", "cast(j.at AS STRING)", "cast(j.days AS STRING)"
    )
    assert [tuple(row) for row in rows.collect()] == [
        ("a", "2023-12-31 19:00:01", None),
        ("b", "2024-01-01 00:00:01.5", "[2024-01-02]"),
        ("c", "2023-12-31 17:00:01.123", None),
        ("d", None, None),
        (None, None, None),
        (None, None, None),
    ]


def test_a_schema_made_of_types(spark):
    df = spark.sql("""SELECT '{"at":"2024-01-01T00:00:01"}' AS v""")
    [row] = (
        df.select(F.from_json("v", StructType().add("at", TimestampNTZType())).alias("j"))
        .select("j.at")
        .collect()
    )
    assert str(row.at) == "2024-01-01 00:00:01"
