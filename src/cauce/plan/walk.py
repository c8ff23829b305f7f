"""Visit and rebuild Connect relations and expressions without knowing their 60 message types by heart.

Which fields of a message lead to a child relation or expression is read from the protobuf
descriptors once per message type, so a relation type added by a later Spark is walked as well.
"""

import functools
from collections.abc import Callable, Container, Iterator, Sequence
from typing import TypeVar

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from pyspark.sql.connect.proto.expressions_pb2 import Expression
from pyspark.sql.connect.proto.relations_pb2 import Relation

from cauce.plan.tables import normalized_name, referenced_tables

__all__ = [
    "children",
    "expressions",
    "is_streaming",
    "kind",
    "next_plan_id",
    "operands",
    "plan_id",
    "replace_children",
    "replace_expressions",
    "replace_operands",
    "transform",
    "transform_expression",
    "transform_expressions",
    "walk",
    "walk_expression",
    "walk_expressions",
    "with_plan_ids",
]

RELATION = Relation.DESCRIPTOR
EXPRESSION = Expression.DESCRIPTOR

BODIES = {RELATION: "rel_type", EXPRESSION: "expr_type"}

M = TypeVar("M", bound=Message)


def kind(relation: Relation) -> str:
    """The relation's type as its field name, for example `project`; "" for an empty message."""
    return relation.WhichOneof("rel_type") or ""


def children(relation: Relation) -> list[Relation]:
    """The relations this one reads directly, left to right; a WithRelations' root comes first."""
    found: list[Message] = []
    _collect(relation, RELATION, found)
    return found  # type: ignore[return-value]


def expressions(relation: Relation) -> list[Expression]:
    """The relation's own top-level expressions (not those of its children), in field order.

    An alias of WithColumns and a sort order are not Expression messages: what is inside them is listed.
    """
    found: list[Message] = []
    _collect(relation, EXPRESSION, found)
    return found  # type: ignore[return-value]


def operands(expression: Expression) -> list[Expression]:
    """The expressions directly inside this one, in field order."""
    found: list[Message] = []
    _collect(expression, EXPRESSION, found)
    return found  # type: ignore[return-value]


def walk(relation: Relation) -> Iterator[Relation]:
    """The relation and everything below it, parents before children."""
    yield relation
    for child in children(relation):
        yield from walk(child)


def walk_expression(expression: Expression) -> Iterator[Expression]:
    """The expression and everything inside it, outermost first."""
    yield expression
    for operand in operands(expression):
        yield from walk_expression(operand)


def walk_expressions(relation: Relation) -> Iterator[Expression]:
    """Every expression of this one relation, nested ones included."""
    for expression in expressions(relation):
        yield from walk_expression(expression)


def transform(relation: Relation, rule: Callable[[Relation], Relation]) -> Relation:
    """Rebuild bottom-up: `rule` sees each relation after its children were rewritten.

    A rule returns the relation it was given when it has nothing to say; a subtree no rule changed is
    returned as the same object, never copied.
    """
    return rule(replace_children(relation, [transform(child, rule) for child in children(relation)]))


def transform_expression(expression: Expression, rule: Callable[[Expression], Expression]) -> Expression:
    """Rebuild one expression bottom-up; the same object comes back if nothing changed."""
    new = [transform_expression(operand, rule) for operand in operands(expression)]
    return rule(replace_operands(expression, new))


def transform_expressions(relation: Relation, rule: Callable[[Expression], Expression]) -> Relation:
    """Rebuild this one relation's expressions bottom-up; the same object comes back if nothing changed."""
    return replace_expressions(relation, [transform_expression(part, rule) for part in expressions(relation)])


def replace_children(relation: Relation, new: Sequence[Relation]) -> Relation:
    """A copy of the relation over `new` children, or the relation itself if they are the same objects."""
    return _with_parts(relation, RELATION, children(relation), new)


def replace_expressions(relation: Relation, new: Sequence[Expression]) -> Relation:
    """A copy with `new` top-level expressions, or the relation itself if they are the same objects."""
    return _with_parts(relation, EXPRESSION, expressions(relation), new)


def replace_operands(expression: Expression, new: Sequence[Expression]) -> Expression:
    """A copy over `new` operands, or the expression itself if they are the same objects."""
    return _with_parts(expression, EXPRESSION, operands(expression), new)


def is_streaming(relation: Relation, views: Container[str] = ()) -> bool:
    """Whether any leaf is a stream: a streaming read, or one of `views` (normalized names of such views)."""
    return any(_is_streaming_leaf(node, views) for node in walk(relation))


def plan_id(relation: Relation) -> int | None:
    """The id the client gave this relation, by which attributes and subqueries refer to it."""
    return relation.common.plan_id if relation.common.HasField("plan_id") else None


def with_plan_ids(relation: Relation) -> dict[int, Relation]:
    """Plan id -> relation, for every relation of the plan that has one; the outermost wins."""
    found: dict[int, Relation] = {}
    for node in walk(relation):
        if (identifier := plan_id(node)) is not None:
            found.setdefault(identifier, node)
    return found


def next_plan_id(relation: Relation) -> int:
    """A plan id that no relation of this plan has."""
    return max(with_plan_ids(relation), default=-1) + 1


def _is_streaming_leaf(relation: Relation, views: Container[str]) -> bool:
    match kind(relation):
        case "read":
            if relation.read.is_streaming:
                return True
            return normalized_name(relation.read.named_table.unparsed_identifier) in views
        case "relation_changes":
            return relation.relation_changes.is_streaming
        case "sql":
            return any(table in views for table in referenced_tables(relation.sql.query))
        case _:
            return False


def _collect(message: Message, target: Descriptor, found: list[Message]) -> None:
    """Append the nearest messages of type `target` below `message`, as live references, in field order."""
    if message.DESCRIPTOR in BODIES:  # asking which of its 60 fields is set beats trying them all
        body = message.WhichOneof(BODIES[message.DESCRIPTOR])
        if body is None:
            return
        message = getattr(message, body)
        if message.DESCRIPTOR is target:
            found.append(message)
            return
    for name, shape, is_target in _slots(message.DESCRIPTOR, target):
        if shape == "one":
            if message.HasField(name):
                _take(getattr(message, name), is_target, target, found)
        else:
            parts = getattr(message, name)
            for part in parts if shape == "list" else [parts[key] for key in sorted(parts)]:
                _take(part, is_target, target, found)


def _take(part: Message, is_target: bool, target: Descriptor, found: list[Message]) -> None:
    if is_target:
        found.append(part)
    else:
        _collect(part, target, found)


def _with_parts(message: M, target: Descriptor, old: Sequence[Message], new: Sequence[Message]) -> M:
    if all(before is after for before, after in zip(old, new, strict=True)):
        return message
    copy = type(message)()
    copy.CopyFrom(message)
    slots: list[Message] = []
    _collect(copy, target, slots)
    for slot, before, after in zip(slots, old, new, strict=True):
        if after is not before:
            slot.CopyFrom(after)
    return copy


@functools.cache
def _slots(descriptor: Descriptor, target: Descriptor) -> tuple[tuple[str, str, bool], ...]:
    """The fields of a message that lead to `target`: (name, one | list | map, is it the target itself)."""
    found = []
    for field in descriptor.fields:
        inner = _value_type(field)
        if inner is not None and (inner is target or _reaches(inner, target, frozenset())):
            found.append((field.name, _shape(field), inner is target))
    return tuple(found)


def _value_type(field: FieldDescriptor) -> Descriptor | None:
    inner = field.message_type
    if inner is not None and inner.GetOptions().map_entry:
        return inner.fields_by_name["value"].message_type
    return inner


def _shape(field: FieldDescriptor) -> str:
    if not field.is_repeated:
        return "one"
    is_map = field.message_type is not None and field.message_type.GetOptions().map_entry
    return "map" if is_map else "list"


def _reaches(descriptor: Descriptor, target: Descriptor, seen: frozenset[Descriptor]) -> bool:
    """Whether `target` occurs below this type, without passing through another relation or expression."""
    if descriptor in (target, RELATION, EXPRESSION):
        return descriptor is target
    inner = [_value_type(field) for field in descriptor.fields]
    seen = seen | {descriptor}
    return any(_reaches(part, target, seen) for part in inner if part is not None and part not in seen)
