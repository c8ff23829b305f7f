"""What a SQL text is read with and gathers on the way: parameter values in, subqueries out."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from pyspark.sql.connect.proto.expressions_pb2 import Expression
from pyspark.sql.connect.proto.relations_pb2 import Relation

__all__ = ["Parameters", "Subqueries"]


@dataclass(frozen=True)
class Parameters:
    """Values for `:name` and `?`."""

    named: Mapping[str, Expression] = field(default_factory=dict)
    positional: Sequence[Expression] = ()


@dataclass
class Subqueries:
    """Queries met inside expressions: each gets a plan id and becomes a reference of a WithRelations."""

    parse: Callable[[], Relation] | None = None
    next_id: int = 0
    found: list[Relation] = field(default_factory=list)

    def add(self, relation: Relation) -> int:
        copy = Relation()
        copy.CopyFrom(relation)
        copy.common.plan_id = self.next_id
        self.next_id += 1
        self.found.append(copy)
        return copy.common.plan_id
