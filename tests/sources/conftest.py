"""What a source is given, without a query around it."""

import pytest

from cauce.clock import ManualClock
from cauce.conf import Conf
from cauce.files import LocalFileSystem
from cauce.streaming.sources import SourceContext


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(now_ms=1_700_000_000_250)


@pytest.fixture
def context(tmp_path, clock) -> SourceContext:
    return SourceContext(
        clock=clock,
        conf=Conf({}),
        file_system=LocalFileSystem(),
        metadata_path=str(tmp_path / "checkpoint" / "sources" / "0"),
        engine=None,
    )
