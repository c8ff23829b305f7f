"""Python and pandas functions in a stream's expressions."""

from pathlib import Path

import pandas as pd
from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import StringType
from verbs import Events, process


@F.udf(StringType())
def spelled(second: float) -> str:
    return f"<{second:.1f}>"


@F.pandas_udf("double")
def doubled(seconds: pd.Series) -> pd.Series:
    return seconds * 2


def run(spark: SparkSession, directory: Path):
    events = Events(spark, directory / "in")
    events.add(1, (2, "b"))
    events.add((3.5, "c"))
    stream = events.frame.where(doubled("second") > 2).select(
        spelled("second"), doubled("second").alias("d"), "value"
    )
    return process(stream, directory)
