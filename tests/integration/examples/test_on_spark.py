"""The examples' programs, unchanged, on Apache Spark with Delta Lake: the same answers as on cauce."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import example_answers
import pytest
from pyspark.sql import SparkSession

HERE = Path(__file__).parent
TIMEOUT_S = 1800


@pytest.fixture(scope="module")
def sparks(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What Apache Spark answers; one session runs everything."""
    python = os.environ.get("CAUCE_SPARK_PYTHON")
    if python is None:
        pytest.skip("CAUCE_SPARK_PYTHON names no interpreter with Apache Spark: run `make spark-examples`")
    folder = tmp_path_factory.mktemp("spark")
    ours = {k: v for k, v in os.environ.items() if not k.startswith(("SPARK_", "PYSPARK_", "PYTHONPATH"))}
    ours["TZ"] = "UTC"
    command = [python, str(HERE / "on_spark.py"), str(folder / "answers.json"), str(folder)]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=TIMEOUT_S, env=ours | {"TZ": "UTC"}
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return json.loads((folder / "answers.json").read_text())


@pytest.fixture
def client(spark: SparkSession) -> SparkSession:
    spark.conf.set("spark.sql.session.timeZone", "UTC")
    spark.conf.set("spark.sql.shuffle.partitions", "1")
    return spark


@pytest.mark.parametrize("example", ["leads", "shop"])
def test_the_answers_are_the_same(
    client: SparkSession, sparks: dict[str, Any], tmp_path: Path, example: str
) -> None:
    answers = getattr(example_answers, f"{example}_answers")(client, tmp_path)
    assert set(answers) == set(sparks[example])
    for name, answer in answers.items():
        assert answer == sparks[example][name], name
    assert answers.get("fine", True), answers["report"]
