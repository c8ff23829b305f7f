"""Parameters, arguments and results of pyspark.ml as Connect literals, and back."""

from collections.abc import Mapping
from typing import Any, cast

from pyspark.ml.connect.serialize import deserialize_param, serialize_param
from pyspark.sql.connect.proto import Expression, MlParams

from cauce.ml.param_json import plain

__all__ = ["from_params", "from_value", "to_literal", "to_params"]


def from_params(params: MlParams) -> dict[str, Any]:
    """Parameter values by name."""
    return {name: from_value(literal) for name, literal in params.params.items()}


def to_params(values: Mapping[str, Any]) -> MlParams:
    """The message for parameter values."""
    return MlParams(params={name: to_literal(value) for name, value in values.items()})


def from_value(literal: Expression.Literal) -> Any:
    """A number, text, list, Vector or Matrix."""
    kind = literal.WhichOneof("literal_type")
    if kind == "null":
        return None
    if kind == "specialized_array":
        array = literal.specialized_array
        return list(getattr(array, array.WhichOneof("value_type") or "ints").values)
    if kind == "array":
        # The client's own reader asks for the type of an empty array's elements.
        return [from_value(element) for element in literal.array.elements]
    return deserialize_param(literal)


def to_literal(value: Any) -> Expression.Literal:
    """The literal the client turns back into the same number, text, list, Vector or Matrix."""
    value = plain(value)
    if isinstance(value, list) and not value:
        empty = Expression.Literal()
        empty.array.element_type.string.SetInParent()
        return empty
    if isinstance(value, list) and value and isinstance(value[0], list):
        return _nested(value)
    return serialize_param(value, cast(Any, None))


def _nested(values: list[Any]) -> Expression.Literal:
    literal = Expression.Literal()
    literal.array.elements.extend(to_literal(value) for value in values)
    first = next((e for e in literal.array.elements if e.array.elements), literal.array.elements[0])
    literal.array.element_type.array.element_type.CopyFrom(first.array.element_type)
    return literal
