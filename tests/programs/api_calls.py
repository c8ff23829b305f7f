"""What a call of PySpark's API gave, in words to compare: a frame's columns and rows, or the error."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession

__all__ = ["Call", "answers", "shop"]

Call = Callable[[SparkSession, Path], Any]


def answers(calls: dict[str, Call], spark: SparkSession, directory: Path) -> dict[str, Any]:
    """The answer of every call, each in a folder of its own."""
    found = {}
    for name, call in calls.items():
        folder = directory / name.replace(".", "_")
        folder.mkdir()
        try:
            found[name] = told(call(spark, folder))
        except PySparkException as error:
            found[name] = {"error": type(error).__name__, "condition": error.getCondition()}
        except Exception as error:
            found[name] = {"error": type(error).__name__}
    return found


def told(value: Any) -> Any:
    if isinstance(value, DataFrame):
        rows = [[told(cell) for cell in row] for row in value.collect()]
        return {"columns": value.schema.simpleString(), "rows": sorted(rows, key=str)}
    if isinstance(value, dict):
        return {str(key): told(cell) for key, cell in value.items()}
    if isinstance(value, list | tuple | set):
        return [told(cell) for cell in value]
    return value if isinstance(value, bool | int | str | None) else str(value)


def shop(spark: SparkSession) -> DataFrame:
    """A few orders with nulls, to call things on."""
    rows = [(1, "ana", "fruit", 2.5), (2, "bo", "fruit", None), (3, None, "bread", 4.0), (3, "cy", None, 1.0)]
    return spark.createDataFrame(rows, "id int, who string, kind string, price double")
