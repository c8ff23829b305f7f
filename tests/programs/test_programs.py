"""Every program gives on cauce what it gave on Apache Spark 4.2 (goldens/, recorded by `make spark`)."""

import importlib
import json
from pathlib import Path
from typing import Any

import pytest
from gaps import GAPS
from pyspark.sql import SparkSession

HERE = Path(__file__).parent
GOLDENS = HERE / "goldens"
NAMES = sorted(path.stem for path in GOLDENS.glob("*.json") if not path.stem.startswith("api_"))
"""The api_ programs are compared call by call, in test_api.py."""


@pytest.fixture
def session(spark: SparkSession) -> SparkSession:
    """The settings under which the goldens were recorded."""
    spark.conf.set("spark.sql.shuffle.partitions", "1")
    spark.conf.set("spark.sql.session.timeZone", "UTC")
    return spark


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[pytest.mark.xfail(reason=GAPS[name], strict=True)] if name in GAPS else [])
        for name in NAMES
    ],
)
def test_the_answer_is_sparks(session: SparkSession, tmp_path: Path, name: str) -> None:
    answer = importlib.import_module(name).run(session, tmp_path)
    assert as_json(answer) == json.loads((GOLDENS / f"{name}.json").read_text())


def test_every_program_has_an_answer() -> None:
    programs = {path.stem for path in HERE.glob("*.py") if "\ndef run(" in path.read_text()}
    assert programs == {path.stem for path in GOLDENS.glob("*.json")}


def as_json(answer: Any) -> Any:
    return json.loads(json.dumps(answer, default=str))
