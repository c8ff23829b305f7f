"""CSV with a header, another separator, nulls, dates and lines that do not parse."""

from pathlib import Path

from pyspark.sql import SparkSession
from verbs import Folder, process


def run(spark: SparkSession, directory: Path):
    folder = Folder(directory / "csv")
    folder.add("id;day;price\n1;03/02/2024;1.5\n2;-;x\n3;31/12/2023;\n", ".csv")
    folder.add("id;day;price\n4;01/01/2024;2.25\n", ".csv")
    schema = "id long, day date, price double, _corrupt_record string"
    reader = (
        spark.readStream.schema(schema).option("header", True).option("sep", ";").option("nullValue", "-")
    )
    stream = reader.option("dateFormat", "dd/MM/yyyy").csv(str(folder.path))
    return process(stream.selectExpr("id", "CAST(day AS STRING)", "price", "_corrupt_record"), directory)
