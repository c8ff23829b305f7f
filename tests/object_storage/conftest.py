"""One S3 server for all tests of a process, empty for each, and sessions that know the way to it."""

import uuid
from collections.abc import Iterator

import pytest
from pyspark.sql.connect.session import SparkSession

from cauce.engine import Engine
from cauce.files import use_settings
from cauce.session import Session, SessionKey
from tests.support.mock_s3 import MockS3


@pytest.fixture(scope="session")
def server_of_s3() -> Iterator[MockS3]:
    server = MockS3()
    yield server
    server.close()


@pytest.fixture
def s3(server_of_s3: MockS3) -> Iterator[MockS3]:
    """An empty bucket `lake`, for whoever opens files on the test's own thread too."""
    server_of_s3.reset()
    use_settings(lambda: server_of_s3.settings)
    yield server_of_s3
    use_settings(dict)


@pytest.fixture
def lake(spark: SparkSession, s3: MockS3) -> SparkSession:
    """A session of a user who has set `spark.hadoop.fs.s3a.*`."""
    for key, value in s3.settings.items():
        spark.conf.set(key, value)
    return spark


@pytest.fixture(scope="module")
def session() -> Iterator[Session]:
    engine = Engine()
    yield Session(SessionKey("", "tests", str(uuid.uuid4())), engine.session("tests", str(uuid.uuid4())))
    engine.stop()
