"""A mock broker for each test of this folder that wants one."""

from collections.abc import Iterator

import pytest

from tests.support.mock_kafka import MockKafka


@pytest.fixture
def kafka() -> Iterator[MockKafka]:
    kafka = MockKafka()
    yield kafka
    kafka.close()
