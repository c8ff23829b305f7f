"""format("jdbc") on PostgreSQL: types both ways, partitions, pushed conditions, save modes, and errors.

CAUCE_TEST_JDBC holds the options of the connection as JSON; the table `every_type` is there already.
"""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

CREATE = """
CREATE TYPE mood AS ENUM ('sad', 'happy');
CREATE DOMAIN positive AS int CHECK (VALUE > 0);
CREATE TABLE every_type (
  id int PRIMARY KEY, a_bool bool, a_int2 int2, a_int8 int8, an_oid oid, a_float4 float4, a_float8 float8,
  a_numeric numeric(12,3), a_plain_numeric numeric, a_text text, a_varchar varchar(9), a_char char(5),
  a_date date, a_timestamp timestamp, a_timestamptz timestamptz, a_bytea bytea, a_uuid uuid, a_json json,
  a_jsonb jsonb, an_inet inet, an_interval interval, a_money money, a_mood mood, a_positive positive,
  a_bit bit(1), some_bits bit(4), many_bits varbit(8), a_point point, an_xml xml, a_time time,
  ints int[], texts text[], numbers numeric(6,2)[], flags bool[], days date[], moments timestamp[],
  "Mixed Case" text
);
INSERT INTO every_type VALUES
  (1, true, 7, 1234567890123, 42, 1.5, 2.25, 12.345, 1234.5, 'añ"\\n,x', 'vc', 'ch', '2026-02-03',
   '2026-02-03 04:05:06.789', '2026-02-03 04:05:06.789+02', '\\x00ff', '0a0b0c0d-0e0f-1011-1213-141516171819',
   '{"a": 1}', '{"b": [1, 2]}', '10.0.0.1', '1 day 02:03:04', '12.34', 'happy', 3, B'1', B'1010', B'11',
   '(1,2)', '<a>x</a>', '01:02:03', '{1,NULL,3}', '{"a","b \\"q\\"",NULL}', '{1.50,2.25}', '{t,f}',
   '{2026-01-01}', '{"2026-01-01 01:02:03"}', 'M'),
  (2, NULL, NULL, NULL, NULL, 'NaN', 'Infinity', NULL, NULL, '', '', '', NULL, NULL, NULL, '', NULL, NULL,
   NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '{}', NULL, NULL, NULL, NULL,
   NULL, ''),
  (3, false, -7, -1, 0, -0.5, 1e300, -0.001, 0, NULL, NULL, NULL, '1969-12-31', '1969-12-31 23:59:59',
   '1969-12-31 23:59:59+00', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
   NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
CREATE TABLE numbered AS
  SELECT n AS id, 'name ' || n AS name, date '2026-01-01' + n AS day,
         timestamp '2026-01-01' + n * interval '1 hour' AS moment, n / 4.0::float8 AS quarter
  FROM generate_series(1, 100) AS n;
INSERT INTO numbered (id) VALUES (NULL);
"""
"""What the server has before the program runs."""


def run(spark: SparkSession, directory: Path) -> Any:
    return {name: outcome(call, spark) for name, call in CALLS.items()}


def outcome(call: Callable[[SparkSession], Any], spark: SparkSession) -> Any:
    try:
        return told(call(spark))
    except PySparkException as error:
        text = str(error).split("\n")[0]
        # A failed job is told in words of its own.
        shown = "" if text.startswith(("Job aborted", "ERROR: ")) else text[:60]
        return {"error": type(error).__name__, "condition": error.getCondition(), "text": shown}


def told(value: Any) -> Any:
    if isinstance(value, DataFrame):
        rows = [[told(cell) for cell in row] for row in value.collect()]
        return {"columns": value.schema.simpleString(), "rows": sorted(rows, key=str)}
    if isinstance(value, list | tuple):
        return [told(each) for each in value]
    if isinstance(value, bytes | bytearray):
        return bytes(value).hex()
    return value if isinstance(value, bool | int | str | None) else str(value)


def options() -> dict[str, str]:
    return json.loads(os.environ["CAUCE_TEST_JDBC"])


def read(spark: SparkSession, table: str, **more: Any) -> DataFrame:
    return spark.read.format("jdbc").options(**options(), dbtable=table, **more).load()


def properties() -> dict[str, str]:
    return {key: value for key, value in options().items() if key != "url"}


def orders(spark: SparkSession, first: int = 1) -> DataFrame:
    rows = [(first, "ana", 2.5), (first + 1, None, None)]
    return spark.createDataFrame(rows, "id int, who string, price double")


def all_types(spark: SparkSession) -> DataFrame:
    return spark.sql("""
      SELECT true AS a, CAST(1 AS TINYINT) AS b, CAST(2 AS SMALLINT) AS c, 3 AS d, 4L AS e,
        CAST(1.5 AS FLOAT) AS f, 2.5D AS g, CAST(1.25 AS DECIMAL(10,3)) AS h, 'añ"\\n,' AS i, '' AS j,
        X'00FF' AS k, DATE'2026-02-03' AS l, TIMESTAMP'2026-02-03 04:05:06.789' AS m,
        TIMESTAMP_NTZ'2026-02-03 04:05:06' AS n, array(1, NULL) AS o, array('a', 'b "q"', NULL) AS p,
        array(1.25D) AS q, CAST(NULL AS STRING) AS r
      UNION ALL SELECT NULL, NULL, NULL, NULL, NULL, CAST('NaN' AS FLOAT),
        CAST('-Infinity' AS DOUBLE), NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL""")


def created(spark: SparkSession, table: str) -> DataFrame:
    """What PostgreSQL says the columns of a table are."""
    return read(
        spark,
        f"""(SELECT column_name::text AS name, udt_name::text AS type,
        character_maximum_length::int AS length, numeric_precision::int AS digits
        FROM information_schema.columns WHERE table_name = '{table}' ORDER BY ordinal_position) AS c""",
    )


def write_types(spark: SparkSession) -> Any:
    all_types(spark).write.format("jdbc").options(**options(), dbtable="written_types").save()
    return [created(spark, "written_types"), read(spark, "written_types")]


def modes(spark: SparkSession) -> Any:
    counts = []
    for first, mode in enumerate(("error", "append", "ignore", "overwrite", "append")):
        orders(spark, first * 10).write.mode(mode).jdbc(options()["url"], "modes", properties=properties())
        counts.append(sorted(row.id for row in read(spark, "modes").collect()))
    return counts


def truncated(spark: SparkSession) -> Any:
    """The table keeps its own types, and columns that the frame does not have."""
    wide = spark.createDataFrame([(1, "x", 1.0, 5)], "id long, who string, price double, more int")
    wide.write.format("jdbc").options(**options(), dbtable="truncated").save()
    frame = orders(spark).select("price", "id", "who")
    frame.write.mode("overwrite").format("jdbc").options(
        **options(), dbtable="truncated", truncate=True
    ).save()
    return read(spark, "truncated")


def column_types(spark: SparkSession) -> Any:
    types = {"createTableColumnTypes": "who VARCHAR(64), price DECIMAL(10,2)"}
    table = {"dbtable": "typed", "createTableOptions": "WITH (fillfactor=70)"}
    orders(spark).write.format("jdbc").options(**options(), **types, **table).save()
    return [created(spark, "typed"), read(spark, "typed")]


def not_null(spark: SparkSession) -> Any:
    spark.range(2).write.format("jdbc").options(**options(), dbtable="not_null").save()
    nullable = (
        "(SELECT is_nullable::text AS n FROM information_schema.columns WHERE table_name = 'not_null') AS c"
    )
    return read(spark, nullable)


def appended_other_types(spark: SparkSession) -> Any:
    orders(spark).write.format("jdbc").options(**options(), dbtable="other_types").save()
    frame = spark.createDataFrame([(7, "x", 3)], "ID long, WHO string, PRICE int")
    frame.write.mode("append").format("jdbc").options(**options(), dbtable="other_types").save()
    return read(spark, "other_types")


def appended_unknown_column(spark: SparkSession) -> Any:
    orders(spark).write.format("jdbc").options(**options(), dbtable="unknown_column").save()
    frame = orders(spark).withColumn("extra", F.lit(1))
    frame.write.mode("append").format("jdbc").options(**options(), dbtable="unknown_column").save()


def partitions(spark: SparkSession, column: str, lower: Any, upper: Any) -> Any:
    bounds = {"partitionColumn": column, "lowerBound": lower, "upperBound": upper, "numPartitions": 4}
    return read(spark, "numbered", **bounds).agg(F.count("*"), F.min("id"), F.max("id"))


def through_view(spark: SparkSession) -> Any:
    read(spark, "numbered").createOrReplaceTempView("numbered")
    return spark.sql("SELECT count(*), sum(id), max(day) FROM numbered WHERE id % 2 = 0")


def wrong(**given: Any) -> Callable[[SparkSession], Any]:
    return lambda spark: spark.read.format("jdbc").options(**given).load().count()


def missing_table(spark: SparkSession) -> Any:
    return read(spark, "no_such_table").count()


CALLS: dict[str, Callable[[SparkSession], Any]] = {
    "every type": lambda s: read(s, "every_type"),
    "timestamps without a zone": lambda s: read(s, "every_type", preferTimestampNTZ=True).select(
        "a_timestamp"
    ),
    "selected": lambda s: read(s, "every_type").select("a_text", F.col("ID") + 1).where("id < 3"),
    "mixed case": lambda s: read(s, "every_type").where("`Mixed Case` = 'M'").select("Mixed Case"),
    "query": lambda s: (
        s.read.format("jdbc").options(**options(), query="SELECT id, name FROM numbered WHERE id < 3").load()
    ),
    "subquery": lambda s: read(s, "(SELECT id FROM numbered WHERE id > 98) AS late"),
    "prepareQuery": lambda s: (
        s.read.format("jdbc")
        .options(**options(), prepareQuery="WITH few AS (SELECT 1 AS x)", query="SELECT x FROM few")
        .load()
    ),
    "sessionInitStatement": lambda s: read(
        s, "(SELECT current_setting('my.word') AS word) AS t", sessionInitStatement="SET my.word TO 'hi'"
    ),
    "customSchema": lambda s: read(s, "numbered", customSchema="id DECIMAL(38, 0), name STRING").where(
        "id = 5"
    ),
    "predicates": lambda s: s.read.jdbc(
        options()["url"], "numbered", predicates=["id < 3", "id > 99"], properties=properties()
    ),
    "partitions by number": lambda s: partitions(s, "id", 1, 100),
    "partitions by half": lambda s: partitions(s, "quarter", 1, 30),
    "partitions by date": lambda s: partitions(s, "day", "2026-01-02", "2026-04-11"),
    "partitions by moment": lambda s: partitions(s, "moment", "2026-01-01 00:00:00", "2026-01-05 04:00:00"),
    "more partitions than values": lambda s: partitions(s, "id", 1, 3),
    "conditions": lambda s: read(s, "numbered").where(
        "id IN (1, 2, 101) OR name = 'name 7' OR NOT (id <= 98) OR id IS NULL"
    ),
    "no conditions pushed": lambda s: read(s, "numbered", pushDownPredicate=False).where("id = 3").count(),
    "null-safe": lambda s: read(s, "numbered").where(F.col("id").eqNullSafe(None)).count(),
    "dates": lambda s: read(s, "numbered").where(F.col("day") > F.lit("2026-04-08").cast("date")).count(),
    "count": lambda s: read(s, "numbered").count(),
    "limit": lambda s: read(s, "numbered").limit(3).count(),
    "limit after condition": lambda s: read(s, "numbered").where("id > 97").limit(10).count(),
    "distinct": lambda s: read(s, "numbered").select(F.length("name").alias("n")).distinct(),
    "join": lambda s: (
        read(s, "numbered")
        .alias("a")
        .join(read(s, "numbered").alias("b"), F.col("a.id") == F.col("b.id") + 98)
        .select("a.id", "b.name")
    ),
    "view": through_view,
    "write types": write_types,
    "save modes": modes,
    "truncate": truncated,
    "column types": column_types,
    "other types": appended_other_types,
    "unknown column": appended_unknown_column,
    "table exists": lambda s: orders(s).write.jdbc(options()["url"], "numbered", properties=properties()),
    "not null": not_null,
    "map": lambda s: (
        s.sql("SELECT map('a', 1) AS m").write.format("jdbc").options(**options(), dbtable="maps").save()
    ),
    "no url": wrong(),
    "no table": lambda s: wrong(**options())(s),
    "both": lambda s: wrong(**options(), dbtable="a", query="b")(s),
    "bounds without column": lambda s: wrong(**options(), dbtable="numbered", lowerBound=1, upperBound=3)(s),
    "column and query": lambda s: wrong(
        **options(), query="SELECT 1 AS id", partitionColumn="id", lowerBound=1, upperBound=3, numPartitions=2
    )(s),
    "bounds turned": lambda s: partitions(s, "id", 9, 1),
    "column of text": lambda s: partitions(s, "name", 1, 9),
    "column unknown": lambda s: partitions(s, "nothing", 1, 9),
    "bound of text": lambda s: partitions(s, "id", "x", 9),
    "isolation": lambda s: (
        orders(s).write.format("jdbc").options(**options(), dbtable="levels", isolationLevel="SOME").save()
    ),
    "missing table": missing_table,
    "wrong password": lambda s: wrong(**{**options(), "password": "nope"}, dbtable="numbered")(s),
    "unknown database": lambda s: wrong(url="jdbc:nothing:x", dbtable="t")(s),
    "wrong driver": lambda s: wrong(**{**options(), "driver": "no.such.Driver"}, dbtable="numbered")(s),
    "division by zero": lambda s: read(s, "(SELECT 1 / (id - 1) AS x FROM numbered) AS t").collect(),
    "query while writing": lambda s: (
        orders(s).write.format("jdbc").options(**options(), query="SELECT 1").save()
    ),
}
