"""A query under judgement: its plan as a tree that knows what streams, and the questions a rule may ask."""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass

from pyspark.sql.connect.proto.expressions_pb2 import Expression
from pyspark.sql.connect.proto.relations_pb2 import Aggregate, Relation, SetOperation

from cauce.conf import Conf
from cauce.errors import AnalysisException, SparkError
from cauce.plan.build import project
from cauce.plan.sql import parse_expression
from cauce.plan.transform_with_state import is_transform_with_state
from cauce.plan.walk import children, expressions, kind, walk_expression

__all__ = ["WITH_STATE", "EventTimes", "Node", "Query", "Refusal", "Rule", "raise_refusal"]

EventTimes = Mapping[str, int]
"""Watermarked column -> delay in milliseconds."""

Refusal = SparkError | str | None
"""An error, or the text of Spark's unnamed condition, or no objection."""

WITH_STATE = "apply_in_pandas_with_state"


@dataclass(frozen=True)
class Node:
    """A relation of the plan, and whether it reads a stream."""

    relation: Relation
    children: tuple["Node", ...]
    is_streaming: bool

    @classmethod
    def tree(cls, relation: Relation, is_streaming: Callable[[Relation], bool]) -> "Node":
        """The whole plan; `is_streaming` is asked about leaves."""
        below = tuple(cls.tree(child, is_streaming) for child in children(relation))
        streams = any(child.is_streaming for child in below) if below else is_streaming(relation)
        return cls(relation, below, streams)

    @property
    def kind(self) -> str:
        return kind(self.relation)

    @property
    def is_pivot(self) -> bool:
        is_one = self.kind == "aggregate" and self.relation.aggregate.group_type == Aggregate.GROUP_TYPE_PIVOT
        return self.is_streaming and is_one

    @property
    def is_aggregate(self) -> bool:
        """An aggregation, or SQL's UNION without ALL, which Spark runs as one."""
        union = self.relation.set_op
        deduplicates = union.set_op_type == SetOperation.SET_OP_TYPE_UNION and not union.is_all
        return self.is_streaming and (self.kind == "aggregate" or (self.kind == "set_op" and deduplicates))

    @property
    def is_stateful(self) -> bool:
        """Whether it remembers rows from batch to batch."""
        remembers = self.kind in ("deduplicate", "limit", WITH_STATE) or is_transform_with_state(
            self.relation
        )
        return self.is_aggregate or self.joins_streams or (remembers and self.is_streaming)

    @property
    def joins_streams(self) -> bool:
        return self.kind == "join" and all(child.is_streaming for child in self.children)

    def walk(self) -> Iterator["Node"]:
        """This node and all below it, parents first."""
        yield self
        for child in self.children:
            yield from child.walk()

    def walk_up(self) -> Iterator["Node"]:
        """All below this node, then itself: the order in which Spark judges operators."""
        for child in self.children:
            yield from child.walk_up()
        yield self

    def expressions(self) -> Iterator[Expression]:
        """The relation's own expressions, nested ones included, text parsed."""
        for expression in expressions(self.relation):
            yield from walk_expression(parsed(expression))


def parsed(expression: Expression) -> Expression:
    """The expression, or what its text means."""
    if expression.HasField("expression_string"):
        return parse_expression(expression.expression_string.expression)
    return expression


@dataclass(frozen=True)
class Query:
    """The query being judged."""

    root: Node
    output_mode: str
    conf: Conf
    event_times: Callable[[Relation], EventTimes]
    lasting_event_times: Callable[[Relation], EventTimes]
    """Without those of columns that `withColumn` made."""
    columns: Callable[[Relation], Collection[str]]
    """Asked only about the two inputs of a join of streams and the input of a doubtful watermark."""
    as_spark: bool = False
    """Whether to judge as Spark does, whatever the relaxed conf says."""

    @property
    def mode(self) -> str:
        """The output mode as Spark spells it in sentences."""
        return self.output_mode.capitalize()

    @property
    def relaxed(self) -> bool:
        return not self.as_spark and self.conf.flag("cauce.sql.streaming.relaxed")

    def aggregates(self) -> list[Node]:
        return [node for node in self.root.walk() if node.is_aggregate]

    def key_event_times(self, aggregate: Node) -> EventTimes:
        """The keys of an aggregation that carry a watermark."""
        if aggregate.kind != "aggregate":
            return self.event_times(aggregate.relation)
        shape = aggregate.relation.aggregate
        return self.event_times(project(shape.input, shape.grouping_expressions))


Rule = Callable[[Node, Query], Refusal]


def raise_refusal(refusal: Refusal) -> None:
    """Raise what a rule objected, if anything."""
    if isinstance(refusal, str):
        raise AnalysisException("_LEGACY_ERROR_TEMP_3102", msg=refusal)
    if refusal is not None:
        raise refusal
