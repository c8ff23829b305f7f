"""Walking and rebuilding plans of any relation type."""

import pytest
from pyspark.sql.connect import functions as F
from pyspark.sql.connect.proto import SQL, Expression, Relation

from cauce.plan import walk as plans
from cauce.plan.build import attribute, call, filter_by, integer, project, string
from cauce.plan.expression_text import sql_text
from cauce.plan.printing import tree_text
from cauce.plan.sql import parse_query


def table(name: str, *, is_streaming: bool = False) -> Relation:
    relation = Relation()
    relation.read.named_table.unparsed_identifier = name
    relation.read.is_streaming = is_streaming
    return relation


def leaves(relation: Relation) -> list[str]:
    return [
        node.read.named_table.unparsed_identifier
        for node in plans.walk(relation)
        if plans.kind(node) == "read"
    ]


def two_sided(kind: str, left: str, right: str) -> Relation:
    relation = Relation()
    body = getattr(relation, kind)
    getattr(body, left).CopyFrom(table("a"))
    getattr(body, right).CopyFrom(table("b"))
    return relation


@pytest.mark.parametrize(
    ("kind", "left", "right"),
    [
        ("join", "left", "right"),
        ("as_of_join", "left", "right"),
        ("lateral_join", "left", "right"),
        ("nearest_by_join", "left", "right"),
        ("set_op", "left_input", "right_input"),
        ("co_group_map", "input", "other"),
        ("group_map", "input", "initial_input"),
    ],
)
def test_both_sides_are_children(kind, left, right):
    assert leaves(two_sided(kind, left, right)) == ["a", "b"]


def test_every_relation_with_an_input_has_it_as_a_child():
    for field in Relation.DESCRIPTOR.fields:
        if field.message_type is None or "input" not in field.message_type.fields_by_name:
            continue
        relation = Relation()
        getattr(relation, field.name).input.CopyFrom(table("a"))
        assert leaves(relation) == ["a"], field.name


def test_references_of_subqueries_and_inputs_of_models_are_walked():
    query = parse_query(SQL(query="SELECT * FROM a WHERE x IN (SELECT x FROM b)"))
    assert leaves(query) == ["a", "b"]
    model = Relation()
    model.ml_relation.transform.input.CopyFrom(table("a"))
    assert leaves(model) == ["a"]


def test_expressions_are_found_wherever_a_message_keeps_them(spark, plan_of):
    t = spark.table("t")
    for df, texts in (
        (t.select("a", F.col("b") + 1), ["a", "(b + 1)"]),
        (t.where("a"), ["a"]),
        (t.withColumn("c", F.col("a")), ["a"]),
        (t.sort(F.desc("a")), ["a"]),
        (t.groupBy("a").agg(F.sum("b")), ["a", "sum(b)"]),
        (t.groupBy("a").pivot("p", [1]).agg(F.sum("b")), ["a", "sum(b)", "p"]),
        (t.join(t, F.expr("x = y")), ["x = y"]),
        (t.repartition(2, "a"), ["a"]),
        (t.drop(F.col("a")), ["a"]),
        (t.observe("o", F.count("*").alias("n")), ["count(1) AS n"]),
        (t.unpivot("a", ["b", "c"], "k", "v"), ["a", "b", "c"]),
        (spark.sql("SELECT :x", args={"x": 1}), ["1"]),
    ):
        assert [sql_text(expression) for expression in plans.expressions(plan_of(df))] == texts


def test_expressions_inside_expressions():
    expression = call("f", call("g", attribute("a")), integer(1))
    assert [sql_text(part) for part in plans.walk_expression(expression)] == ["f(g(a), 1)", "g(a)", "a", "1"]


def test_a_rule_that_changes_nothing_copies_nothing():
    relation = filter_by(project(table("t"), [attribute("a")]), attribute("b"))
    assert plans.transform(relation, lambda node: node) is relation
    assert plans.transform_expressions(relation, lambda part: part) is relation


def test_a_rule_sees_children_already_rewritten():
    relation = filter_by(two_sided("join", "left", "right"), attribute("x"))
    seen = []

    def rename(node: Relation) -> Relation:
        seen.append(plans.kind(node))
        is_b = node.read.named_table.unparsed_identifier == "b"
        return table("c") if is_b else node

    renamed = plans.transform(relation, rename)
    assert leaves(renamed) == ["a", "c"]
    assert leaves(relation) == ["a", "b"]
    assert seen == ["read", "read", "join", "filter"]


def test_expressions_are_rebuilt_from_the_inside_out():
    relation = filter_by(table("t"), call("f", attribute("a"), attribute("b")))

    def double(part: Expression) -> Expression:
        return call("g", part) if sql_text(part) == "a" else part

    assert tree_text(plans.transform_expressions(relation, double)).startswith("Filter f(g(a), b)")


@pytest.mark.parametrize(
    ("relation", "is_streaming"),
    [
        (table("t"), False),
        (table("t", is_streaming=True), True),
        (table("`Clicks`"), True),
        (Relation(sql=SQL(query="SELECT * FROM people JOIN clicks USING (k)")), True),
        (Relation(sql=SQL(query="SELECT clicks FROM people")), False),
    ],
)
def test_a_plan_streams_if_any_leaf_does(relation, is_streaming):
    assert plans.is_streaming(project(relation, [attribute("a")]), views={"clicks"}) == is_streaming


def test_plan_ids():
    inner, outer = table("t"), filter_by(table("t"), attribute("a"))
    inner.common.plan_id, outer.common.plan_id = 3, 7
    relation = project(plans.replace_children(outer, [inner]), [string("x")])
    assert plans.plan_id(relation) is None
    assert sorted(plans.with_plan_ids(relation)) == [3, 7]
    assert plans.next_plan_id(relation) == 8
    assert plans.next_plan_id(table("t")) == 0


def test_printing_a_plan(spark, plan_of, golden):
    events = spark.readStream.format("rate").option("rowsPerSecond", "5").load().alias("e")
    people = spark.table("people").dropDuplicates(["id"])
    df = (
        events.withWatermark("timestamp", "10 seconds")
        .join(people, F.expr("e.value = people.id"), "left")
        .withColumnRenamed("name", "who")
        .withColumn("big", F.col("value") > 10)
        .groupBy(F.window("timestamp", "5 minutes"), "who")
        .agg(F.count("*").alias("n"), F.sum("value"))
        .where("n > 1")
        .sort(F.desc("n"))
        .select("who", "n")
        .union(spark.range(3).toDF("a").select("a", F.lit(1)))
        .limit(5)
    )
    golden(tree_text(plan_of(df)))
