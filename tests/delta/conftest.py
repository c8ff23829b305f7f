"""Programs over Delta tables: the verbs are PySpark's own, and what they leave is read from the log too."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from cauce.delta.log import DeltaLog, commit_info


@pytest.fixture
def path(tmp_path) -> str:
    return f"{tmp_path}/table"


@pytest.fixture
def rows(spark) -> Callable[[str], list[tuple]]:
    """The rows of a table, sorted."""

    def read(path: str) -> list[tuple]:
        return sorted((tuple(row) for row in spark.read.format("delta").load(path).collect()), key=str)

    return read


@pytest.fixture
def drain(tmp_path) -> Callable[..., Any]:
    """Run a stream on all there is; a second call with the same name goes on from its checkpoint."""

    def run(writer, target: str | None = None, *, name: str = "checkpoint", table: str | None = None):
        writer = writer.option("checkpointLocation", f"{tmp_path}/{name}").trigger(availableNow=True)
        query = writer.toTable(table) if table else writer.start(target)
        query.awaitTermination()
        return query

    return run


def operations(path: str) -> list[str]:
    """What each commit said it was."""
    log = DeltaLog.open(path)
    return [commit_info(log.read(version)).get("operation", "") for version in log.versions()]


def offset(query) -> dict[str, Any]:
    """Where the query's only source stands."""

    return json.loads(query.lastProgress["sources"][0]["endOffset"])


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--delta-commits", type=int, default=12, help="commits of each concurrent writer")
