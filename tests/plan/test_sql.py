"""SQL text as relations: the rows and names that Apache Spark 4.2.0 gave (answers/spark_sql.json)."""

import datetime as dt
import decimal
import json
from pathlib import Path

import pytest
from pyspark.sql.connect.proto import SQL, Expression

from cauce.errors import AnalysisException, ParseException, SparkError, UnsupportedOperationException
from cauce.plan.build import attribute, call, integer
from cauce.plan.expression_text import sql_text
from cauce.plan.printing import tree_text
from cauce.plan.sql import parse_expression, parse_query
from cauce.plan.walk import kind, walk
from cauce.plan.windows import rewrite_windows

ANSWERS = json.loads((Path(__file__).parent / "answers" / "spark_sql.json").read_text())

# What differs from Spark, and why; each must fail until it is closed.
GAPS = {
    "within group": "WITHIN GROUP is not read",
    "min(struct(v, id))": "the engine orders nulls inside structs last",
}


@pytest.fixture(scope="module", autouse=True)
def tables(spark):
    spark.conf.set("spark.sql.session.timeZone", "UTC")
    spark.sql("""
        SELECT * FROM VALUES
          (1, 'a', 2.0D, timestamp'2020-01-01 00:00:01', array(1, 2), named_struct('x', 1, 'y', 'p')),
          (2, 'b', 3.0D, timestamp'2020-01-01 00:00:07', array(3), named_struct('x', 2, 'y', 'q')),
          (3, 'a', NULL, timestamp'2020-01-01 00:00:12', array(), named_struct('x', 3, 'y', 'p'))
        AS t(id, k, v, ts, arr, st)
    """).createOrReplaceTempView("events")
    people = spark.sql("SELECT * FROM VALUES ('a', 'Anna'), ('c', 'Carl') AS t(k, name)")
    people.createOrReplaceTempView("people")


@pytest.fixture
def parse(session):
    def columns(relation):
        return session.schema(rewrite_windows(relation)).names

    return lambda query: rewrite_windows(parse_query(SQL(query=query), columns), session.schema)


def marked(answer: dict) -> object:
    gap = next((why for text, why in GAPS.items() if text in answer["query"]), None)
    marks = [pytest.mark.xfail(strict=True, reason=gap, raises=(AssertionError, SparkError))] if gap else []
    return pytest.param(answer, marks=marks, id=" ".join(answer["query"].split())[:70])


@pytest.mark.parametrize("answer", [marked(answer) for answer in ANSWERS])
def test_the_answer_is_spark_s(parse, session, answer):
    if "condition" in answer:
        with pytest.raises(SparkError) as caught:
            parse(answer["query"])
        assert caught.value.condition == answer["condition"]
        return
    table = session.run(parse(answer["query"]))
    assert table.column_names == answer["columns"]
    columns = [column.to_pylist() for column in table.columns]
    rows = [[plain(value) for value in row] for row in zip(*columns, strict=True)]
    assert sorted(rows, key=repr) == answer["rows"]


def plain(value: object) -> object:
    """A value as the answers file writes it: no types beyond JSON's."""
    match value:
        case dict():
            return [plain(part) for part in value.values()]
        case list() | tuple():
            return [plain(part) for part in value]
        case dt.date():
            return value.isoformat().replace("+00:00", "")
        case decimal.Decimal():
            return float(value)
        case bytes():
            return value.hex()
        case _:
            return value


def test_group_by_prefers_the_alias_when_the_columns_are_not_known():
    relation = parse_query(SQL(query="SELECT upper(k) AS u, count(*) FROM t GROUP BY u"))
    assert tree_text(relation).splitlines()[0] == ("Aggregate groupby [upper(k) AS u] [count(1) AS count(1)]")


def test_a_stream_and_its_watermark():
    query = "SELECT * FROM STREAM clicks WATERMARK ts DELAY OF INTERVAL 10 SECONDS AS c WHERE c.id > 1"
    assert tree_text(parse_query(SQL(query=query))).splitlines() == [
        "Project [*]",
        "  Filter (c.id > 1)",
        "    SubqueryAlias c",
        "      WithWatermark ts delay INTERVAL 10 SECONDS",
        "        Read streaming clicks",
    ]


@pytest.mark.parametrize(
    "source",
    [
        "STREAM clicks",
        "STREAM(clicks)",
        "stream clicks AS clicks",
        "STREAM(clicks) clicks",
        "STREAM `clicks`",
    ],
)
def test_every_spelling_of_a_stream(source):
    read = list(walk(parse_query(SQL(query=f"SELECT * FROM {source}"))))[-1].read
    assert read.is_streaming
    assert read.named_table.unparsed_identifier == "clicks"


def test_a_table_may_be_called_stream():
    read = list(walk(parse_query(SQL(query="SELECT * FROM stream"))))[-1].read
    assert (read.is_streaming, read.named_table.unparsed_identifier) == (False, "stream")


def test_a_watermark_on_an_expression_is_a_new_column():
    query = "SELECT * FROM STREAM t WATERMARK to_timestamp(s) AS ts DELAY OF INTERVAL '1' MINUTE"
    assert tree_text(parse_query(SQL(query=query))).splitlines()[1:] == [
        "  SubqueryAlias t",
        "    WithWatermark ts delay INTERVAL '1' MINUTE",
        "      WithColumns [to_timestamp(s) AS ts]",
        "        Read streaming t",
    ]


def test_options_of_a_stream_reach_the_source():
    query = "SELECT * FROM STREAM t WITH ('maxFilesPerTrigger' = '5', latestFirst = true) AS x"
    read = list(walk(parse_query(SQL(query=query))))[-1].read
    assert dict(read.named_table.options) == {"maxFilesPerTrigger": "5", "latestFirst": "true"}


def test_named_parameters(session, rows):
    sql = SQL(query="SELECT id FROM events WHERE id > :low AND k = :k")
    sql.named_arguments["low"].CopyFrom(integer(1))
    sql.named_arguments["k"].literal.string = "a"
    assert rows(parse_query(sql)) == [(3,)]


def test_positional_parameters(rows):
    sql = SQL(query="SELECT id + ? FROM events WHERE id < ?", pos_arguments=[integer(10), integer(2)])
    assert rows(parse_query(sql)) == [(11,)]


def test_literal_parameters_of_older_clients(rows):
    sql = SQL(query="SELECT id FROM events WHERE id = :n")
    sql.args["n"].integer = 2
    assert rows(parse_query(sql)) == [(2,)]


@pytest.mark.parametrize("query", ["SELECT :missing", "SELECT ?"])
def test_a_parameter_without_a_value_is_refused(query):
    with pytest.raises(AnalysisException) as caught:
        parse_query(SQL(query=query))
    assert caught.value.condition == "UNBOUND_SQL_PARAMETER"


@pytest.mark.parametrize(
    ("query", "near"),
    [
        ("SELECT", "end of input"),
        ("SELEC 1", "'SELEC'"),
        ("SELECT 1 +", "end of input"),
        ("SELECT (1", "end of input"),
        ("SELECT 'x", "'''"),
        ("SELECT * frm t", "'t'"),
        ("SELECT 1; SELECT 2", "'SELECT'"),
        ("SELECT * FROM STREAM t WATERMARK ts DELAY OF '10 seconds'", "''10 seconds''"),
    ],
)
def test_a_syntax_error_names_what_spark_names(query, near):
    with pytest.raises(ParseException) as caught:
        parse_query(SQL(query=query))
    assert caught.value.condition == "PARSE_SYNTAX_ERROR"
    assert caught.value.parameters["error"] == near


def test_an_empty_statement_is_refused():
    with pytest.raises(ParseException) as caught:
        parse_query(SQL(query=" ; "))
    assert caught.value.condition == "PARSE_EMPTY_STATEMENT"


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM t UNPIVOT (n FOR name IN (a, b))",
        "WITH RECURSIVE r AS (SELECT 1) SELECT * FROM r",
        "SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY a) FROM t",
        "SELECT listagg(a) WITHIN GROUP (ORDER BY b) FROM t",
    ],
)
def test_what_is_not_supported_says_so(query):
    with pytest.raises(UnsupportedOperationException, match="not supported over a stream"):
        parse_query(SQL(query=query))


def test_an_undefined_window_is_named():
    with pytest.raises(AnalysisException) as caught:
        parse_query(SQL(query="SELECT sum(a) OVER v FROM t WINDOW w AS (PARTITION BY b)"))
    assert caught.value.condition == "MISSING_WINDOW_SPECIFICATION"


def test_a_column_outside_group_by_is_refused():
    with pytest.raises(AnalysisException) as caught:
        parse_query(SQL(query="SELECT v FROM t GROUP BY k"))
    assert caught.value.condition == "MISSING_AGGREGATION"


def test_a_cte_hides_tables_only_inside_its_query():
    query = "SELECT * FROM (WITH t AS (SELECT 1 AS a) SELECT * FROM t) x, t"
    reads = [node for node in walk(parse_query(SQL(query=query))) if kind(node) == "read"]
    assert [node.read.named_table.unparsed_identifier for node in reads] == ["t"]


def test_subqueries_keep_their_ids_from_one_reading_to_the_next():
    sql = SQL(query="SELECT * FROM t WHERE a IN (SELECT a FROM u) AND b > (SELECT max(b) FROM u)")
    first, second = parse_query(sql), parse_query(sql)
    assert first == second
    references = first.project.input.with_relations.references
    assert len({reference.common.plan_id for reference in references}) == 2


def test_a_subquery_stays_with_the_condition_it_is_in():
    sql = SQL(query="SELECT k, count(*) AS n FROM t WHERE a IN (SELECT a FROM u) GROUP BY k")
    assert tree_text(parse_query(sql)).splitlines()[1].strip() == "WithRelations"


def test_the_order_of_a_union_is_that_of_all_its_rows(session):
    query = "SELECT id AS n FROM events UNION ALL SELECT 0 AS n ORDER BY n DESC LIMIT 2"
    assert session.run(parse_query(SQL(query=query))).column("n").to_pylist() == [3, 2]


def test_an_expression_string_is_read_like_a_select_item():
    expression = parse_expression("sum(a + 1) FILTER (WHERE b BETWEEN 1 AND 2) AS s")
    assert list(expression.alias.name) == ["s"]
    assert sql_text(expression.alias.expr) == "sum(CASE WHEN ((b >= 1) AND (b <= 2)) THEN (a + 1) END)"


def test_a_rewritten_expression_keeps_the_name_it_had():
    assert list(parse_expression("a BETWEEN 1 AND 2").alias.name) == ["between(a, 1, 2)"]
    assert list(parse_expression("count(*) FILTER (WHERE a > 1)").alias.name) == [
        "count(1) FILTER (WHERE (a > 1))"
    ]


@pytest.mark.parametrize(
    ("text", "expression"),
    [
        ("a", attribute("a")),
        ("t.`a b`", attribute("t", "a b")),
        ("-1", integer(-1)),
        ("a - 1", call("-", attribute("a"), integer(1))),
        ("a -1", call("-", attribute("a"), integer(1))),
        ("NOT a = 1 AND b", call("and", call("not", call("==", attribute("a"), integer(1))), attribute("b"))),
        ("a + b * 2", call("+", attribute("a"), call("*", attribute("b"), integer(2)))),
        ("(a + b) * 2", call("*", call("+", attribute("a"), attribute("b")), integer(2))),
        ("9999999999", Expression(literal=Expression.Literal(long=9999999999))),
    ],
)
def test_expressions_bind_as_in_spark(text, expression):
    assert parse_expression(text) == expression


def test_sql_windowed_count(golden):
    query = """
        WITH purchases AS (
          SELECT * FROM STREAM events WATERMARK ts DELAY OF INTERVAL 10 MINUTES WHERE kind = 'buy')
        SELECT window.start AS start, p.category, count(*) AS orders, sum(price * quantity) / 100 AS revenue
        FROM purchases p JOIN catalogue c ON p.product = c.id
        GROUP BY window(ts, '5 minutes'), p.category
        HAVING orders > 1
    """
    golden(f"{' '.join(query.split())}\n\n{tree_text(parse_query(SQL(query=query)))}")
