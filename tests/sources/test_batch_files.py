"""spark.read of formats that the engine itself does not know."""

import os

import pyarrow as pa
import pyarrow.orc
import pytest
from pyspark.errors import AnalysisException

ROWS = pa.table({"id": [1, 2], "name": ["Ana", None]})


def write_orc(path, table=ROWS):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    pyarrow.orc.write_table(table, path)


def test_orc_with_and_without_a_schema(spark, tmp_path):
    write_orc(f"{tmp_path}/in/a.orc")
    assert spark.read.orc(f"{tmp_path}/in").collect() == [(1, "Ana"), (2, None)]
    assert spark.read.schema("name string, other int").orc(f"{tmp_path}/in").where(
        "name is null"
    ).collect() == [(None, None)]
    assert (
        spark.read.format("orc").load(f"{tmp_path}/in").schema.simpleString()
        == "struct<id:bigint,name:string>"
    )


def test_orc_partitions(spark, tmp_path):
    write_orc(f"{tmp_path}/in/day=2024-01-02/a.orc")
    write_orc(f"{tmp_path}/in/day=2024-01-03/b.orc")
    read = spark.read.orc(f"{tmp_path}/in")
    assert read.schema.simpleString() == "struct<id:bigint,name:string,day:date>"
    assert read.where("day > '2024-01-02'").count() == 2


def test_a_folder_that_is_not_there(spark):
    with pytest.raises(AnalysisException, match="PATH_NOT_FOUND"):
        spark.read.orc("/nowhere").collect()
