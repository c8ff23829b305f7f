"""What Spark calls the buffers of an aggregate function, and in which types people read them."""

import pyarrow as pa

from cauce.streaming.operators.aggregates.aggregation import Aggregation
from cauce.streaming.operators.aggregates.rows import AggregateCall
from cauce.streaming.operators.layout import Part, Source
from cauce.streaming.operators.physical import in_utc, physical_type

__all__ = ["buffer_parts"]

MOMENTS = ("n", "avg", "m2", "m3", "m4")
PAIRS = ("n", "xAvg", "yAvg", "ck", "xMk", "yMk")
BY_EXTREME = ("valueWithExtremumOrdering", "extremumOrdering")

NAMES: dict[str, tuple[str, ...]] = {
    "any": ("max",), "any_value": ("first", "valueSet"), "array_agg": ("buf",), "avg": ("sum", "count"),
    "bool_and": ("min",), "bool_or": ("max",), "collect_list": ("buf",), "collect_set": ("buf",),
    "corr": PAIRS, "count_if": ("count",), "covar_pop": PAIRS, "covar_samp": PAIRS, "every": ("min",),
    "first": ("first", "valueSet"),
    "first_value": ("first", "valueSet"), "kurtosis": MOMENTS, "last": ("last", "valueSet"),
    "last_value": ("last", "valueSet"), "max_by": BY_EXTREME, "mean": ("sum", "count"), "min_by": BY_EXTREME,
    "skewness": MOMENTS, "some": ("max",), "std": MOMENTS, "stddev": MOMENTS, "stddev_pop": MOMENTS,
    "stddev_samp": MOMENTS, "try_avg": ("sum", "count"), "try_sum": ("sum",), "var_pop": MOMENTS,
    "var_samp": MOMENTS,
    "variance": MOMENTS,
}  # fmt: skip
"""Where they differ from the function's own name. Spark: the aggBufferAttributes of each function."""


NEVER_NULL = frozenset({"count", "n", "valueSet"})


def buffer_parts(aggregation: Aggregation) -> tuple[Part, ...]:
    """The buffers of all calls, in order."""
    fields = iter(aggregation.buffer_fields)
    parts: list[Part] = []
    for call, width in zip(aggregation.calls, aggregation.widths, strict=True):
        for position in range(width):
            field = next(fields)
            name = _unique(_name(call, position), parts)
            source = Source("column", field.name)
            parts.append(Part(name, _shown(call, field.type), source, nullable=name not in NEVER_NULL))
        if call.function == "sum" and pa.types.is_decimal(parts[-1].type):
            parts.append(Part("isEmpty", pa.bool_(), Source("missing", parts[-1].source.name)))
    return tuple(parts)


def _name(call: AggregateCall, position: int) -> str:
    names = NAMES.get(call.function, (call.function,))
    if call.distinct:
        names = (call.function,)
    return names[position] if position < len(names) else f"{names[0]}_{position}"


def _unique(name: str, before: list[Part]) -> str:
    """Spark repeats names, and then cannot select them; here the second `count` is `count_1`."""
    taken = {part.name for part in before}
    candidates = (name if i == 0 else f"{name}_{i}" for i in range(len(before) + 1))
    return next(candidate for candidate in candidates if candidate not in taken)


def _shown(call: AggregateCall, stored: pa.DataType) -> pa.DataType:
    """The argument's own type, where the buffer holds values of it."""
    argument = in_utc(call.input_types[0]) if call.input_types else stored
    is_flag = pa.types.is_boolean(argument) and pa.types.is_int8(stored)
    counts = call.function in ("count", "count_if")
    return argument if (physical_type(argument) == stored and not counts) or is_flag else stored
