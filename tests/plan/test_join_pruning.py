"""Joined streams give the join only the columns that are used."""

import pytest
from pyspark.sql import functions as F
from pyspark.sql.types import LongType, StringType, StructType, TimestampType

from cauce.plan.join_columns import name_join_columns
from cauce.plan.join_pruning import prune_join_columns
from cauce.plan.printing import tree_text
from cauce.plan.walk import kind

COLUMNS = StructType().add("id", LongType()).add("name", StringType()).add("ts", TimestampType())


def columns(relation):
    """What a relation over streams of `COLUMNS` has, as far as these tests need it."""
    match kind(relation):
        case "to_df":
            found = StructType()
            for name, column in zip(relation.to_df.column_names, columns(relation.to_df.input), strict=True):
                found.add(name, column.dataType)
            return found
        case "project":
            names = [e.unresolved_attribute.unparsed_identifier for e in relation.project.expressions]
            return StructType([columns(relation.project.input)[name] for name in names])
    return COLUMNS


@pytest.fixture
def check(spark, plan_of, golden):
    clicks, views = (spark.readStream.format("rate").option("name", n).load() for n in ("clicks", "views"))

    def compare(query):
        relation = name_join_columns(plan_of(query(clicks, views)), columns)
        golden(tree_text(prune_join_columns(relation, columns)))

    return compare


def test_pruned_below_a_projection(check):
    check(lambda c, v: c.join(v, c.id == v.id).where(c.ts < v.ts).select(c.id, v.ts))


def test_pruned_below_an_aggregation(check):
    check(lambda c, v: c.join(v, c.id == v.id, "left").groupBy(c.name).agg(F.count("*"), F.count(v.id)))


def test_pruned_right_side_of_a_semi_join(check):
    check(lambda c, v: c.join(v, c.id == v.id, "left_semi"))


def test_not_pruned_when_everything_is_used(check):
    check(lambda c, v: c.join(v, c.id == v.id))
