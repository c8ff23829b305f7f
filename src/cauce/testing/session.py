"""A SparkSession for tests: its server runs in this process and starts once, however many tests there are."""

import os
from typing import cast

from pyspark.sql import SparkSession as SparkSessionApi
from pyspark.sql.connect.session import SparkSession

import cauce

__all__ = ["local_session"]


def local_session() -> SparkSession:
    """A new session, which is also the one that `SparkSession.getActiveSession()` gives from now on.

    `SPARK_REMOTE` is left as it was: other sessions of the process go where they went.
    """
    remote = os.environ.get("SPARK_REMOTE")
    session = cast(SparkSession, SparkSessionApi.builder.remote(cauce.start()).create())
    if remote is not None:
        os.environ["SPARK_REMOTE"] = remote
    # Functions such as `F.col` look for the default session, and an earlier test may have left its own.
    SparkSession._default_session = SparkSession._active_session.session = session
    return session
