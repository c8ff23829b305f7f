"""Errors as the user sees them: class, condition, SQLSTATE and parameters of Spark."""

import pytest
from pyspark.errors import (
    AnalysisException,
    ArithmeticException,
    ArrayIndexOutOfBoundsException,
    DateTimeException,
    NumberFormatException,
    ParseException,
    PythonException,
    SparkNoSuchElementException,
    SparkRuntimeException,
)
from pyspark.sql import functions as F

QUERIES = [
    ("SELECT * FROM missing", AnalysisException, "TABLE_OR_VIEW_NOT_FOUND", "42P01"),
    ("SELECT a FROM (SELECT 1 a) x, (SELECT 2 a) y", AnalysisException, "AMBIGUOUS_REFERENCE", "42704"),
    ("SELECT no_such_function(1)", AnalysisException, "UNRESOLVED_ROUTINE", "42883"),
    ("SELEC 1", ParseException, "PARSE_SYNTAX_ERROR", "42601"),
    ("SELECT cast(1 AS nothing)", ParseException, "UNSUPPORTED_DATATYPE", "0A000"),
    ("SELECT 1 / 0", ArithmeticException, "DIVIDE_BY_ZERO", "22012"),
    ("SELECT id % 0 FROM range(1)", ArithmeticException, "REMAINDER_BY_ZERO", "22012"),
    ("SELECT cast(300 AS tinyint)", ArithmeticException, "CAST_OVERFLOW", "22003"),
    ("SELECT cast('abc' AS int)", NumberFormatException, "CAST_INVALID_INPUT", "22018"),
    ("SELECT cast('abc' AS boolean)", SparkRuntimeException, "CAST_INVALID_INPUT", "22018"),
    ("SELECT cast('abc' AS date)", DateTimeException, "CAST_INVALID_INPUT", "22018"),
    ("SELECT cast('abc' AS timestamp)", DateTimeException, "CAST_INVALID_INPUT", "22018"),
    ("SELECT array(1, 2)[5]", ArrayIndexOutOfBoundsException, "INVALID_ARRAY_INDEX", "22003"),
    ("DROP TABLE missing", AnalysisException, "TABLE_OR_VIEW_NOT_FOUND", "42P01"),
    ("SELECT 1 UNION SELECT 1, 2", AnalysisException, "NUM_COLUMNS_MISMATCH", "42826"),
]


@pytest.mark.parametrize(("query", "error_class", "condition", "sqlstate"), QUERIES)
def test_a_wrong_query(spark, query, error_class, condition, sqlstate):
    with pytest.raises(error_class) as raised:
        spark.sql(query).collect()

    assert raised.value.getCondition() == condition
    assert raised.value.getSqlState() == sqlstate


def test_sql_is_checked_before_anything_is_collected(spark):
    with pytest.raises(AnalysisException, match="TABLE_OR_VIEW_NOT_FOUND"):
        spark.sql("SELECT * FROM missing")


def test_the_parameters_of_a_condition(spark):
    with pytest.raises(NumberFormatException) as raised:
        spark.sql("SELECT cast('abc' AS bigint)").collect()

    parameters = raised.value.getMessageParameters()
    assert parameters["expression"] == "'abc'"
    assert parameters["targetType"] == '"BIGINT"'


COLUMNS = [
    (lambda spark: spark.range(3).select("idd"), "`idd`", "`id`"),
    (lambda spark: spark.createDataFrame([(1, 2)], ["x", "y"]).select("x", "z"), "`z`", "`x`, `y`"),
    (lambda spark: spark.range(3).filter(F.col("foo") > 1).select("id"), "`foo`", "`id`"),
    (lambda spark: spark.range(3).orderBy("zz"), "`zz`", "`id`"),
    (lambda spark: spark.sql("SELECT idd FROM range(3)"), "`idd`", "`id`"),
    (lambda spark: spark.sql("SELECT t.foo FROM (SELECT 1 a, 2 b) t"), "`t`.`foo`", "`t`.`a`, `t`.`b`"),
    (lambda spark: spark.sql("WITH w AS (SELECT 1 total) SELECT totl FROM w"), "`totl`", "`total`"),
]


@pytest.mark.parametrize(("build", "name", "proposal"), COLUMNS)
def test_a_column_that_is_not_there(spark, build, name, proposal):
    with pytest.raises(AnalysisException) as raised:
        build(spark).collect()

    assert raised.value.getCondition() == "UNRESOLVED_COLUMN.WITH_SUGGESTION"
    assert raised.value.getMessageParameters() == {"objectName": name, "proposal": proposal}


def test_a_column_of_nothing(spark):
    with pytest.raises(AnalysisException) as raised:
        spark.sql("SELECT foo")

    assert raised.value.getCondition() == "UNRESOLVED_COLUMN.WITHOUT_SUGGESTION"


def test_a_function_that_raises_shows_the_users_own_traceback(spark):
    def fail(value):
        raise ValueError(f"no {value} please")

    with pytest.raises(PythonException) as raised:
        spark.range(1).select(F.udf(fail, "long")("id")).collect()

    message = str(raised.value)
    assert "ValueError: no 0 please" in message
    assert "in fail" in message
    assert "worker.py" not in message


def test_the_user_sees_no_stack_of_the_server(spark):
    with pytest.raises(AnalysisException) as raised:
        spark.sql("SELECT * FROM missing")

    assert "stacktrace" not in str(raised.value)


def test_the_whole_text_of_a_long_error_arrives(spark):
    def fail(_):
        raise ValueError("x" * 1800 + " the end")

    with pytest.raises(PythonException, match="the end"):
        spark.range(1).select(F.udf(fail, "long")("id")).collect()


def test_a_setting_nobody_knows(spark):
    with pytest.raises(SparkNoSuchElementException) as raised:
        spark.conf.get("no.such.setting")

    assert raised.value.getCondition() == "SQL_CONF_NOT_FOUND"
