"""CSV read as a batch: types found by the values, null tokens, values that do not parse, and odd headers."""

from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession

MIXED = """id,age,name,day,seen,paid,score,big,huge
1,NA, b ,2024-01-01,2024-01-01 10:00:00,true,1.5,3000000000,92233720368547758080
NA,3,NA,2024-01-02,2024-01-01 10:00:01,FALSE,NA,1,2
3,,"",,,NA,,,
"""
DIRTY = "id,price\n1,2.5\ntwo,3\n3,many\n4,1.5,extra\n"
MOMENTS = "day;seen;either\n03/02/2024;2024-02-03T10:00:00Z;2024-01-01\n04/02/2024;;2024-01-01 10:00:00\n"


def run(spark: SparkSession, directory: Path) -> Any:
    def read(text: str, schema: str | None = None, **options: Any) -> Any:
        path = directory / f"{len(list(directory.iterdir()))}.csv"
        path.write_text(text)
        reader = spark.read if schema is None else spark.read.schema(schema)
        frame = reader.csv(str(path), **options)
        return [frame.dtypes, [list(row) for row in frame.collect()]]

    (directory / "parts" / "year=2024").mkdir(parents=True)
    (directory / "parts" / "year=2024" / "a.csv").write_text("id,name\n1,a\n")
    (directory / "parts" / "year=2024" / "b.csv").write_text("id,name\n2.5,b\n")
    parts = spark.read.csv(str(directory / "parts"), header=True, inferSchema=True)
    return {
        "types": read(MIXED, header=True, inferSchema=True, nullValue="NA"),
        "types without a null token": read(MIXED, header=True, inferSchema=True),
        "texts": read(MIXED, header=True, nullValue="NA"),
        "no header": read("1,a\n2,\n", inferSchema=True),
        "odd names": read("a,,A,b\n1,2,3,4\n", header=True, inferSchema=True),
        "no rows": read("a,b\n", header=True, inferSchema=True),
        "values that do not parse": read(DIRTY, "id int, price double", header=True),
        "dropped": read(DIRTY, "id int, price double", header=True, mode="DROPMALFORMED"),
        "moments": read(MOMENTS, sep=";", header=True, inferSchema=True, dateFormat="dd/MM/yyyy"),
        "folders": [parts.dtypes, sorted([list(row) for row in parts.collect()], key=str)],
    }
