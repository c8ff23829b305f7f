"""Every call of PySpark's API in the api_ programs gives what it gave on Apache Spark 4.2."""

import importlib
import json
from typing import Any

import pytest
from api_gaps import API_GAPS
from pyspark.sql import SparkSession as SparkSessionApi
from pyspark.sql.connect.catalog import Catalog
from pyspark.sql.connect.dataframe import DataFrame, DataFrameNaFunctions, DataFrameStatFunctions
from pyspark.sql.connect.session import SparkSession
from pyspark.sql.connect.tvf import TableValuedFunction
from test_programs import GOLDENS, as_json

from cauce.server import CauceServer

PROGRAMS = sorted(path.stem for path in GOLDENS.glob("api_*.json"))
GOLDEN = {name: json.loads((GOLDENS / f"{name}.json").read_text()) for name in PROGRAMS}
SURFACES = {
    "api_catalog": (Catalog,),
    "api_frame": (DataFrame,),
    "api_statistics": (DataFrameNaFunctions, DataFrameStatFunctions),
    "api_table_functions": (TableValuedFunction,),
}
"""Classes of which every public method is called."""
ELSEWHERE = {
    # Aliases, calls inside other calls, and what needs another package or another Spark.
    "api_catalog": {"clearCache", "dropDatabase"},
    "api_frame": {
        "approxQuantile", "checkpoint", "corr", "cov", "crosstab", "executionInfo", "freqItems", "groupby",
        "pandas_api", "plot", "unpersist", "unpivot", "write", "writeStream", "writeTo",
    },
    "api_statistics": {"drop", "fill", "replace"},
}  # fmt: skip


@pytest.fixture(scope="module")
def found(server: CauceServer, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The answers of all programs, each in a session of its own."""
    answers = {}
    for name in PROGRAMS:
        spark = SparkSessionApi.builder.remote(server.connection_string).create()
        SparkSession._default_session = SparkSession._active_session.session = spark
        spark.conf.set("spark.sql.shuffle.partitions", "1")
        spark.conf.set("spark.sql.session.timeZone", "UTC")
        answers[name] = as_json(importlib.import_module(name).run(spark, tmp_path_factory.mktemp(name)))
        spark.stop()
    return answers


def calls() -> list[Any]:
    return [
        pytest.param(
            program,
            call,
            id=f"{program}-{call}",
            marks=[pytest.mark.xfail(reason=API_GAPS[program][call], strict=True)]
            if call in API_GAPS.get(program, {})
            else [],
        )
        for program in PROGRAMS
        for call in GOLDEN[program]
    ]


@pytest.mark.parametrize(("program", "call"), calls())
def test_the_call_answers_as_on_spark(found: dict[str, Any], program: str, call: str) -> None:
    assert found[program][call] == GOLDEN[program][call]


@pytest.mark.parametrize("program", sorted(SURFACES))
def test_every_public_method_is_called(program: str) -> None:
    called = {name.split(".")[0] for name in GOLDEN[program]} | ELSEWHERE.get(program, set())
    public = {name for kind in SURFACES[program] for name in dir(kind) if not name.startswith("_")}
    assert public - called == set()
