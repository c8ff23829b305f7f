"""The programs somebody tries first, through the unmodified client."""

from pyspark.sql import functions as F


def test_a_range_is_collected(spark):
    rows = spark.range(5).filter("id > 2").collect()

    assert [row.id for row in rows] == [3, 4]


def test_sql_over_a_temporary_view(spark):
    spark.createDataFrame([("a", 1), ("b", 2), ("a", 3)], ["key", "value"]).createOrReplaceTempView("pairs")

    rows = spark.sql("SELECT key, sum(value) AS total FROM pairs GROUP BY key ORDER BY key").collect()

    assert [(row.key, row.total) for row in rows] == [("a", 4), ("b", 2)]


def test_a_python_function_runs_in_a_query(spark):
    double = F.udf(lambda value: value * 2, "long")

    assert [row[0] for row in spark.range(3).select(double("id")).collect()] == [0, 2, 4]


def test_a_result_goes_to_pandas(spark):
    frame = spark.range(3).withColumn("square", F.col("id") * F.col("id")).toPandas()

    assert frame["square"].tolist() == [0, 1, 4]


def test_show_prints_the_table(spark, capsys):
    spark.sql("SELECT 1 AS one").show()

    assert "|one|" in capsys.readouterr().out


def test_rows_are_numbered(spark):
    rows = spark.createDataFrame([("a",), ("b",)], ["letter"]).zipWithIndex().collect()

    assert [(row.letter, row[1]) for row in rows] == [("a", 0), ("b", 1)]
