"""What the tests of dead letters share: where they go, and reading them back."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cauce.pytest_plugin import stream_test

__all__ = ["stream_test"]

Letters = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def aside(tmp_path: Path) -> str:
    """The value of `deadLetterPath`."""
    return str(tmp_path / "aside")


@pytest.fixture
def letters(spark, aside: str) -> Letters:
    """Calling it reads all dead letters, in the order of batches and rows."""

    def read() -> list[dict[str, Any]]:
        if not list(Path(aside).rglob("*.parquet")):
            return []
        rows = [row.asDict() for row in spark.read.parquet(aside).collect()]
        for row in rows:
            row["location"], row["record"] = json.loads(row["location"]), _parsed(row["record"])
        return sorted(rows, key=lambda row: (row["batchId"], str(row["location"])))

    return read


def _parsed(record: str) -> Any:
    try:
        return json.loads(record)
    except ValueError:
        return record
