"""format("jdbc") on a real PostgreSQL gives what Apache Spark gives with PostgreSQL's own driver."""

import importlib
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest
from apache_spark import run_script
from postgresql_server import PostgreSQLServer
from pyspark.errors import AnalysisException
from pyspark.sql import SparkSession

HERE = Path(__file__).parent
PROGRAM = "jdbc_postgresql"
GOLDEN = HERE / "goldens" / f"{PROGRAM}.json"
PACKAGES = {"spark.jars.packages": "org.postgresql:postgresql:42.7.4"}
sys.path.append(str(HERE / "programs"))


def options(server: PostgreSQLServer, database: str) -> dict[str, str]:
    """A database of its own for a run of the program, with what the program expects in it."""
    server.sql(f"CREATE DATABASE {database}", database="postgres")
    server.sql(importlib.import_module(PROGRAM).CREATE, database=database)
    url = server.url.rpartition("/")[0] + f"/{database}"
    return {**server.options, "url": url, "driver": "org.postgresql.Driver"}


def golden() -> dict[str, Any]:
    return json.loads(GOLDEN.read_text())


@pytest.fixture(scope="module")
def answers(server: Any, postgresql: PostgreSQLServer) -> dict[str, Any]:
    """What cauce answers."""
    spark = SparkSession.builder.remote(server.connection_string).create()
    spark.conf.set("spark.sql.session.timeZone", "UTC")
    os.environ["CAUCE_TEST_JDBC"] = json.dumps(options(postgresql, "on_cauce"))
    found = importlib.import_module(PROGRAM).run(spark, Path())
    spark.stop()
    return json.loads(json.dumps(found, default=str))


@pytest.mark.parametrize("name", sorted(golden()))
def test_the_answer_is_sparks(answers: dict[str, Any], name: str) -> None:
    assert answers[name] == golden()[name]


def test_spark_answers_as_recorded(postgresql: PostgreSQLServer, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setenv("CAUCE_TEST_JDBC", json.dumps(options(postgresql, "on_spark")))
    monkeypatch.setenv("CAUCE_SPARK_CONF", json.dumps(PACKAGES))
    run_script("run_programs.py", HERE / "programs", tmp_path / "out.json", PROGRAM)
    answer = json.loads((tmp_path / "out.json").read_text())[PROGRAM]
    if os.environ.get("CAUCE_REWRITE"):
        GOLDEN.write_text(json.dumps(answer["result"], indent=1, sort_keys=True, ensure_ascii=False) + "\n")
    assert answer["result"] == golden()


def test_a_failed_write_leaves_the_table_as_it_was(spark: SparkSession, postgresql: PostgreSQLServer) -> None:
    postgresql.sql("CREATE TABLE kept (id int CHECK (id < 5)); INSERT INTO kept VALUES (1)")
    frame = spark.createDataFrame([(2,), (9,)], "id int")
    with pytest.raises(Exception, match="kept_id_check"):
        frame.write.mode("append").format("jdbc").options(**postgresql.options, dbtable="kept").save()
    assert postgresql.sql("SELECT id FROM kept") == [(1,)]


def test_an_overwrite_that_fails_keeps_the_old_rows(
    spark: SparkSession, postgresql: PostgreSQLServer
) -> None:
    postgresql.sql("CREATE TABLE old (id int); INSERT INTO old VALUES (1)")
    bad = {"createTableColumnTypes": "id INT", "createTableOptions": "WITH (no_such_option=1)"}
    with pytest.raises(Exception, match="no_such_option"):
        spark.range(2).write.mode("overwrite").format("jdbc").options(
            **postgresql.options, dbtable="old", **bad
        ).save()
    assert postgresql.sql("SELECT id FROM old") == [(1,)]


def test_no_error_and_no_plan_shows_a_password(spark: SparkSession, postgresql: PostgreSQLServer) -> None:
    word = postgresql.options["password"]
    frame = spark.read.format("jdbc").options(**postgresql.options, dbtable="pg_class").load()
    assert word not in frame._explain_string(extended=True)
    url = postgresql.url.replace("127.0.0.1", "nowhere.invalid") + f"?password={word}"
    with pytest.raises(AnalysisException) as raised:
        spark.read.jdbc(url, "t", properties={"user": "x"}).count()
    assert word not in str(raised.value)


def test_what_can_be_compared_alike_is_left_to_the_database(
    spark: SparkSession, postgresql: PostgreSQLServer
) -> None:
    """A condition the database does not see would divide by zero there."""
    postgresql.sql("CREATE TABLE parts (id int, name text); INSERT INTO parts VALUES (0, 'a'), (2, 'b')")
    table = "(SELECT id, name, 10 / NULLIF(id, 0) AS tenth FROM parts) AS p"
    frame = spark.read.format("jdbc").options(**postgresql.options, dbtable=table).load()
    assert frame.where("id > 0 AND name = 'b' AND upper(name) = 'B'").select("tenth").collect() == [(5,)]


def test_a_static_table_is_read_anew_in_every_batch(
    spark: SparkSession, postgresql: PostgreSQLServer, tmp_path: Path
) -> None:
    postgresql.sql("CREATE TABLE fruit (id int, name text); INSERT INTO fruit VALUES (1, 'apple')")
    static = spark.read.format("jdbc").options(**postgresql.options, dbtable="fruit").load()
    folder = tmp_path / "in"
    folder.mkdir()
    stream = spark.readStream.schema("id int").json(str(folder)).join(static, "id")
    query = stream.writeStream.format("memory").queryName("fruits").start()
    (folder / "a.json").write_text('{"id": 1}\n')
    query.processAllAvailable()
    postgresql.sql("INSERT INTO fruit VALUES (2, 'banana')")
    (folder / "b.json").write_text('{"id": 2}\n')
    query.processAllAvailable()
    query.stop()
    assert sorted(row.name for row in spark.table("fruits").collect()) == ["apple", "banana"]
