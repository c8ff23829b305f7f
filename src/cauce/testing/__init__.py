"""Tests of users' own streaming queries: memory streams, time, state, crashes, exactly-once.

Imported by pytest_plugin and by users' tests; may import everything. The query under test is plain PySpark.
Queries run in the test's thread, so triggers, listeners and `spark.streams` play no part here.
"""

from cauce.testing.exactly_once import ExactlyOnceReport, Inputs, assert_exactly_once
from cauce.testing.faulty_disk import FaultyDisk, SimulatedCrash
from cauce.testing.memory_stream import MemoryStream
from cauce.testing.session import local_session
from cauce.testing.steps import STEPS
from cauce.testing.stream_test import StreamTest

__all__ = [
    "STEPS",
    "ExactlyOnceReport",
    "FaultyDisk",
    "Inputs",
    "MemoryStream",
    "SimulatedCrash",
    "StreamTest",
    "assert_exactly_once",
    "local_session",
]
