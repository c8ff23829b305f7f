"""Fixtures of cauce for pytest: `spark` and `stream_test`; imports nothing heavy until a test asks."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pyspark.sql.connect.session import SparkSession

    from cauce.testing import StreamTest

__all__ = ["spark", "stream_test"]


@pytest.fixture
def spark() -> "Iterator[SparkSession]":
    """A SparkSession of its own for each test; the server in this process starts once."""
    from cauce.testing import local_session

    session = local_session()
    yield session
    session.stop()


@pytest.fixture
def stream_test(spark: "SparkSession", tmp_path: Path) -> "Iterator[StreamTest]":
    """A StreamTest on the test's `spark`, with its checkpoint in the test's temporary folder."""
    from cauce.testing import StreamTest

    with StreamTest(spark, tmp_path) as test:
        yield test
