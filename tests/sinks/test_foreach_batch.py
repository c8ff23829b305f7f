"""foreachBatch gets a real DataFrame of its session, and the same one again when repeated."""

import dataclasses
import sys

import pyarrow as pa
import pytest
from pyspark.errors import StreamingQueryException

from cauce.errors import SparkError
from cauce.streaming.sinks import SinkOptions
from cauce.streaming.sinks.foreach_batch import ForeachBatchSink
from cauce.testing import MemoryStream

ROWS = pa.table({"id": [1, 2, None], "name": ["Ana", "日本", None]})


@pytest.fixture
def foreach_batch(spark, server, context):
    """A sink in the session of the client `spark`."""
    spark.conf.get("spark.sql.session.timeZone")  # A session begins with its first request.
    [session] = [s for s in server.sessions.sessions() if s.session_id == spark.session_id]
    context = dataclasses.replace(context, session=session, engine=session.engine)
    return lambda function: ForeachBatchSink(
        SinkOptions("foreachBatch", "append", function=function), context
    )


def test_the_batch_is_a_data_frame_usable_in_any_way(foreach_batch):
    seen = []

    def function(df, batch_id):
        df.createOrReplaceTempView("updates")
        counted = df.sparkSession.sql("SELECT count(*) AS n FROM updates WHERE id > 1").first()["n"]
        seen.append((batch_id, df.columns, sorted(df.dropna().collect()), counted))

    assert foreach_batch(function).add_batch(5, ROWS) is None
    assert seen == [(5, ["id", "name"], [(1, "Ana"), (2, "日本")], 1)]


def test_a_repeated_batch_has_the_same_id_and_rows(foreach_batch):
    seen = []
    sink = foreach_batch(lambda df, batch_id: seen.append((batch_id, df.count())))
    sink.add_batch(3, ROWS)
    sink.add_batch(3, ROWS)
    assert seen == [(3, 3), (3, 3)]


def test_the_users_error_comes_with_its_traceback(foreach_batch):
    def function(df, batch_id):
        raise KeyError("missing setting")

    with pytest.raises(SparkError, match=r"(?s)foreach batch sink.*in function.*KeyError") as failed:
        foreach_batch(function).add_batch(0, ROWS)
    assert failed.value.condition == "FOREACH_BATCH_USER_FUNCTION_ERROR"


def test_a_batch_is_forgotten_afterwards(foreach_batch, server, spark):
    foreach_batch(lambda df, batch_id: None).add_batch(0, ROWS)
    assert all(not session.relations for session in server.sessions.sessions())


def test_a_function_that_exits_fails_the_query(spark):
    stream = MemoryStream(spark, "id INT")
    query = stream.to_df().writeStream.foreachBatch(lambda df, batch_id: sys.exit(3)).start()
    stream.add_data(1)
    with pytest.raises(StreamingQueryException, match="SystemExit: 3"):
        query.awaitTermination()
    stream.close()
