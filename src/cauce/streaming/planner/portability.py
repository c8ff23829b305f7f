"""What Apache Spark 4.2 would refuse of a query, or do otherwise: a table of notes.

Said in one log line at start() and by `query.explain(extended=True)`, so that whoever outgrows the machine
knows beforehand what to change.
"""

import dataclasses
from collections.abc import Callable, Iterator

from pyspark.sql.connect.proto.relations_pb2 import Join

from cauce.plan.expression_text import function_name
from cauce.streaming.planner.join_constraints import JoinSide, bounds, equal_pairs
from cauce.streaming.planner.unsupported import Node, Query, refusals

__all__ = ["NOTES", "portability_notes"]

Test = Callable[[Node, Query], bool]


def reads_memory(node: Node, query: Query) -> bool:
    return node.is_streaming and node.relation.read.data_source.format.lower() == "memory"


def joins_with_null_keys(node: Node, query: Query) -> bool:
    return node.joins_streams and node.relation.join.join_type == Join.JOIN_TYPE_FULL_OUTER


def joins_without_bounds(node: Node, query: Query) -> bool:
    """No equality, and no time range that lets rows go on both sides."""
    if not node.joins_streams or node.relation.join.using_columns:
        return False
    left, right = (
        JoinSide(child.relation, query.columns(child.relation), query.event_times(child.relation))
        for child in node.children
    )
    condition = node.relation.join.join_condition
    if any(equal_pairs(condition, left, right)):
        return False
    return not (bounds(condition, left, right) and bounds(condition, right, left))


def keeps_watermark_of_added_column(node: Node, query: Query) -> bool:
    """Spark Connect gives columns made by `withColumn` fresh metadata, so the delay is lost."""
    if not node.is_streaming or node.kind != "with_columns":
        return False
    return query.event_times(node.relation) != query.lasting_event_times(node.relation)


def waits_for_processing_time(node: Node, query: Query) -> bool:
    function = node.relation.apply_in_pandas_with_state
    return node.is_streaming and function.timeout_conf == "ProcessingTimeTimeout"


def counts_distinct(node: Node, query: Query) -> bool:
    calls = (e.unresolved_function for e in node.expressions() if function_name(e))
    return node.is_streaming and any(call.is_distinct for call in calls)


NOTES: tuple[tuple[Test, str], ...] = (
    (reads_memory, "the source `memory` is cauce's own, for tests"),
    (counts_distinct, "an exact distinct aggregation keeps every value of every group"),
    (joins_without_bounds, "a join without an equality and without time ranges keeps all rows for ever"),
    (joins_with_null_keys, "null keys never match in a full outer join of two streams, in Spark they do"),
    (
        keeps_watermark_of_added_column,
        "a column made by withColumn keeps its watermark, over Spark Connect it does not: use select",
    ),
    (
        waits_for_processing_time,
        "a processing-time timeout runs a batch when due, in Spark with any batch",
    ),
    (
        lambda node, query: node.is_stateful,
        "the state is in cauce's own files: Spark cannot go on from this checkpoint",
    ),
)
"""Asked of every relation of the plan."""


def portability_notes(query: Query) -> tuple[str, ...]:
    """Each note once: first what Spark refuses, in its words, then what it does otherwise."""
    return tuple(dict.fromkeys([*_refused(query), *_different(query)]))


def _refused(query: Query) -> Iterator[str]:
    for refusal in refusals(dataclasses.replace(query, as_spark=True)):
        if refusal is not None:
            yield f"Spark refuses: {refusal}"


def _different(query: Query) -> Iterator[str]:
    for test, note in NOTES:
        if any(test(node, query) for node in query.root.walk()):
            yield note
