"""Rows that Python functions, casts and parsers fail on go aside, and all the others arrive."""

import pandas as pd
import pytest
from pyspark.errors import StreamingQueryException
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

ROWS = [str(number) for number in range(40)]


def put_aside(frame: DataFrame, aside: str, **options: object):
    return frame.writeStream.format("noop").option("deadLetterPath", aside).options(**options)


@pytest.fixture
def feed(stream_test, aside, letters):
    """Runs a query over texts of which two are no numbers; gives its answer and the dead letters."""

    def run(query):
        values = stream_test.memory_stream("v STRING")
        stream_test.start_stream(put_aside(query(values.to_df()), aside))
        values.add_data(*ROWS[:17], "x17", *ROWS[17:], "ñ\n")
        answer = stream_test.answer.column(0).to_pylist()
        assert sorted(answer) == list(range(40))
        assert stream_test.last_progress["sink"]["metrics"] == {"numDeadLetters": "2"}
        assert [letter["record"] for letter in letters()] == [{"v": "x17"}, {"v": "ñ\n"}]
        return letters()

    return run


def test_a_python_udf(feed):
    @F.udf("int")
    def number(text):
        if text.startswith("x"):
            raise KeyError(text)
        return int(text)

    first, second = feed(lambda texts: texts.select(number("v")))
    assert (first["errorClass"], first["errorMessage"]) == ("KeyError", "'x17'")
    assert second["errorClass"] == "ValueError"
    assert second["errorMessage"] == "invalid literal for int() with base 10: 'ñ\\n'"
    assert first["location"] == {"row": 17}
    assert (first["source"], first["startOffset"], first["endOffset"]) == ("MemoryStream[v]", None, "0")
    assert "number" in first["step"]


def test_a_pandas_udf(feed):
    @F.pandas_udf("int")
    def number(texts: pd.Series) -> pd.Series:
        return texts.map(int)

    first, _ = feed(lambda texts: texts.select(number("v")))
    assert first["errorClass"] == "ValueError"


def test_an_arrow_udf(feed):
    @F.arrow_udf("int")
    def number(texts):
        return texts.cast("int32")

    first, _ = feed(lambda texts: texts.select(number("v")))
    assert first["errorClass"] == "pyarrow.lib.ArrowInvalid"


def test_map_in_pandas(feed):
    def number(frames):
        for frame in frames:
            yield frame.assign(v=frame.v.map(int))

    feed(lambda texts: texts.mapInPandas(number, "v int"))


def test_a_cast(feed):
    first, _ = feed(lambda texts: texts.select(F.col("v").cast("int")))
    assert first["errorClass"] == "CAST_INVALID_INPUT"
    assert "The value 'x17' of the type" in first["errorMessage"]


def test_from_csv(feed):
    feed(lambda texts: texts.select(F.from_csv("v", "n INT")["n"]))


def test_from_json_in_failfast_mode(stream_test, aside, letters):
    values = stream_test.memory_stream("v STRING")
    read = F.from_json("v", "n INT, d DATE", {"mode": "FAILFAST"})
    stream_test.start_stream(put_aside(values.to_df().select(read.alias("r")).select("r.n", "r.d"), aside))
    values.add_data('{"n": 1, "d": "2024-01-01"}', None, "", '{"n": "x"}', '{"n":', '{"n": 2, "d": "?"}')
    stream_test.check_answer((1, "2024-01-01"), (None, None), (None, None))
    assert [letter["errorClass"] for letter in letters()] == [
        "MALFORMED_RECORD_IN_PARSING.WITHOUT_SUGGESTION",
        "MALFORMED_RECORD_IN_PARSING.WITHOUT_SUGGESTION",
        "CAST_INVALID_INPUT",
    ]


def test_a_function_behind_a_watermark_and_a_filter_names_the_source_row(stream_test, aside, letters):
    @F.udf("int")
    def number(text):
        return int(text)

    values = stream_test.memory_stream("v STRING, ts TIMESTAMP")
    passed = values.to_df().filter("v != 'skipped'").withWatermark("ts", "1 minute")
    stream_test.start_stream(put_aside(passed.select(number("v")), aside))
    moment = "2024-01-01 10:00:00"
    values.add_data(*[(v, moment) for v in ("1", "skipped", "skipped", "2", "bad", "skipped", "3")])
    stream_test.check_answer(1, 2, 3)
    (letter,) = letters()
    assert letter["location"] == {"row": 4}


def test_two_failing_steps_one_after_the_other(stream_test, aside, letters):
    @F.udf("int")
    def positive(number):
        assert number > 0, "not positive"
        return number

    values = stream_test.memory_stream("v STRING, ts TIMESTAMP")
    numbers = values.to_df().select(F.col("v").cast("int").alias("n"), "ts").withWatermark("ts", "1 minute")
    stream_test.start_stream(put_aside(numbers.select(positive("n")), aside))
    values.add_data(*[(v, "2024-01-01 10:00:00") for v in ("1", "x", "-2", "3")])
    stream_test.check_answer(1, 3)
    assert [(letter["location"], letter["errorClass"]) for letter in letters()] == [
        ({"row": 1}, "CAST_INVALID_INPUT"),
        ({"row": 2}, "AssertionError"),
    ]


def test_poison_rows_never_reach_the_state(stream_test, aside, letters):
    values = stream_test.memory_stream("v STRING")
    counts = values.to_df().groupBy((F.col("v").cast("int") % 2).alias("odd")).count()
    stream_test.start_stream(put_aside(counts, aside).outputMode("update"))
    values.add_data("1", "x", "3", "4")
    stream_test.check_answer((1, 2), (0, 1))
    stream_test.check_state_rows(2)
    assert [letter["record"] for letter in letters()] == [{"v": "x"}]


def test_a_union_of_two_streams_names_the_right_one(stream_test, aside, letters):
    left, right = stream_test.memory_stream("v STRING"), stream_test.memory_stream("w STRING")
    both = left.to_df().union(right.to_df()).select(F.col("v").cast("int"))
    stream_test.start_stream(put_aside(both, aside))
    left.add_data("1", "2")
    right.add_data("3", "bad")
    stream_test.check_answer(1, 2, 3)
    (letter,) = letters()
    assert (letter["source"], letter["location"]) == ("MemoryStream[w]", {"row": 1})


def test_without_the_option_the_query_fails_as_in_spark(stream_test):
    values = stream_test.memory_stream("v STRING")
    stream_test.start_stream(values.to_df().select(F.col("v").cast("int")))
    values.add_data("1", "bad")
    stream_test.expect_failure("CAST_INVALID_INPUT")


def test_the_setting_does_the_same_for_every_query_of_the_session(spark, stream_test, aside, letters):
    spark.conf.set("cauce.sql.streaming.deadLetterPath", aside)
    values = stream_test.memory_stream("v STRING")
    stream_test.start_stream(values.to_df().select(F.col("v").cast("int")))
    values.add_data("1", "bad")
    stream_test.check_answer(1)
    assert len(letters()) == 1


def test_too_many_bad_rows_fail_the_query_and_say_why(stream_test, aside, letters):
    values = stream_test.memory_stream("v STRING")
    query = put_aside(values.to_df().select(F.col("v").cast("int")), aside, deadLetterMaxRowsPerBatch=2)
    stream_test.start_stream(query)
    values.add_data("a", "1", "b", "c")
    error = stream_test.expect_failure("CAUCE_TOO_MANY_DEAD_LETTERS")
    assert "More than 2 rows of batch 0" in str(error) and "'c'" in str(error)
    assert letters() == []


def test_a_limit_that_is_no_number_is_refused_at_start(stream_test, aside):
    values = stream_test.memory_stream("v STRING")
    for limit in ("many", "0"):
        with pytest.raises(Exception, match="many|positive"):
            stream_test.start_stream(put_aside(values.to_df(), aside, deadLetterMaxRowsPerBatch=limit))


def test_a_failure_that_no_row_is_to_blame_for_ends_the_query(stream_test, aside, letters):
    def refuse(frames):
        for frame in frames:
            if len(frame) > 1:
                raise MemoryError("two at once")
            yield frame

    values = stream_test.memory_stream("v STRING")
    stream_test.start_stream(put_aside(values.to_df().mapInPandas(refuse, "v string"), aside))
    values.add_data("a", "b")
    with pytest.raises(StreamingQueryException, match="two at once"):
        stream_test.process_all_available()
    assert letters() == []


def test_work_is_proportional_to_the_batch(stream_test, aside, letters):
    seen = []

    @F.pandas_udf("int")
    def number(texts: pd.Series) -> pd.Series:
        seen.append(len(texts))
        return texts.map(int)

    count = 1024
    values = stream_test.memory_stream("v STRING")
    stream_test.start_stream(put_aside(values.to_df().select(number("v")), aside))
    values.add_data(*[str(n) if n != 700 else "bad" for n in range(count)])
    assert len(stream_test.answer) == count - 1
    assert letters()[0]["location"] == {"row": 700}
    assert sum(seen) <= 5 * count
    assert len(seen) <= 4 * count.bit_length()
