"""However rows are cut into batches, every aggregate function answers what it answers on one batch."""

import math
import tempfile
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cauce.files import LocalFileSystem
from cauce.state import StateStore
from cauce.streaming.operators import AGGREGATES, AggregateCall, StreamingAggregate

SCHEMA = pa.schema(
    [
        ("key", pa.float64()),
        ("flag", pa.bool_()),
        ("whole", pa.int64()),
        ("x", pa.float64()),
        ("money", pa.decimal128(12, 2)),
        ("text", pa.string()),
        ("pair", pa.struct([("a", pa.int32()), ("b", pa.string())])),
    ]
)
COLUMNS = {
    "key": st.sampled_from([None, 0.0, -0.0, 1.0, math.nan]),
    "flag": st.none() | st.booleans(),
    "whole": st.none() | st.integers(-9, 9),
    # Sums and squares of these are exact, so that the order of addition cannot show.
    "x": st.none() | st.integers(-20, 20).map(lambda n: n / 4) | st.sampled_from([math.nan, -0.0]),
    "money": st.none() | st.decimals(-99, 99, places=2),
    "text": st.none() | st.sampled_from(["", "a", "b", "ñ🙂"]),
    "pair": st.none()
    | st.fixed_dictionaries({"a": st.none() | st.integers(0, 2), "b": st.sampled_from("xy")}),
}
ROWS = st.lists(st.fixed_dictionaries(COLUMNS), min_size=1, max_size=25)
CUTS = st.lists(st.integers(0, 25), max_size=4)

ON_FLAG = {"any", "bool_and", "bool_or", "count_if", "every", "some"}
ON_WHOLE = {"bit_and", "bit_or", "bit_xor"}
ON_ANY = {
    "any_value", "approx_count_distinct", "array_agg", "collect_list", "collect_set", "count", "first",
    "first_value", "last", "last_value", "max", "min", "mode",
}  # fmt: skip
ON_TEXT = {"listagg", "string_agg"}
ON_TWO = {name for name in AGGREGATES if name.startswith(("covar", "regr", "corr"))}
BY_ANOTHER = {"max_by", "min_by"}
PARAMETERS = {
    "approx_percentile": (0.4,),
    "percentile": (0.4,),
    "string_agg": (", ",),
    "percentile_approx": ([0.1, 0.9], 20),
}
COUNTS = {"approx_count_distinct", "count", "count_if", "regr_count"}


def arguments(function: str) -> list[tuple[str, ...]]:
    """Columns the function is tried on."""
    if function in ON_FLAG:
        return [("flag",)]
    if function in ON_WHOLE:
        return [("whole",)]
    if function in ON_TWO:
        return [("x", "whole")]
    if function in BY_ANOTHER:
        return [("text", column) for column in ("whole", "x", "pair")]
    if function in ON_TEXT:
        return [("text",)]
    names = ["whole", "x", "money"]
    return [(name,) for name in ([*names, "flag", "text", "pair"] if function in ON_ANY else names)]


def output_type(function: str, first: pa.DataType) -> pa.DataType:
    if function in COUNTS:
        return pa.int64()
    if function in ON_ANY | BY_ANOTHER | ON_WHOLE | ON_FLAG | ON_TEXT:
        return pa.list_(first) if function in {"array_agg", "collect_list", "collect_set"} else first
    if function in {"approx_percentile", "percentile_approx"}:
        return pa.list_(first) if function == "percentile_approx" else first
    if pa.types.is_decimal(first) and function in {"sum", "try_sum", "avg", "mean", "try_avg"}:
        return pa.decimal128(22, 2) if "sum" in function else pa.decimal128(16, 6)
    return first if "sum" in function else pa.float64()


def calls() -> list[AggregateCall]:
    return [
        AggregateCall(
            function=function,
            output=f"{function}_{'_'.join(inputs)}_{condition}_{distinct}",
            output_type=output_type(function, SCHEMA.field(inputs[0]).type),
            inputs=inputs,
            input_types=tuple(SCHEMA.field(name).type for name in inputs),
            filter=condition,
            distinct=distinct,
            ignore_nulls=function == "any_value",
            parameters=PARAMETERS.get(function, ()),
        )
        for function in AGGREGATES
        for inputs in arguments(function)
        for condition in (None, "flag")
        for distinct in ((False, True) if function in {"count", "sum", "avg"} else (False,))
        # Dividing by the spread of a constant is an error, and tested as one. Histograms merged as Spark
        # merges them keep equal bins apart.
        if function not in {"corr", "histogram_numeric"}
    ]


OPERATOR = StreamingAggregate(SCHEMA, ["key"], calls(), None, None)


def answer(batches: list[pa.Table]) -> dict[str, Any]:
    """The complete answer after the last batch, by key."""
    with tempfile.TemporaryDirectory() as folder:
        store = StateStore.open(
            LocalFileSystem(),
            folder,
            key_schema=OPERATOR.key_schema,
            value_schema=OPERATOR.value_schema,
            reference=None,
        )
        for batch in batches:
            output, _ = OPERATOR.process(
                batch, store, late_watermark_us=None, eviction_watermark_us=None, output_mode="complete"
            )
        store.close()
    return {str(row.pop("key")): comparable(row) for row in output.to_pylist()}


def differences(cut: dict[str, Any], whole: dict[str, Any]) -> list[tuple[Any, ...]]:
    """Key, call, answer of the cut rows and of the whole."""
    assert cut.keys() == whole.keys()
    return [
        (key, name, value, whole[key][name])
        for key, row in cut.items()
        for name, value in row.items()
        if not same(value, whole[key][name])
    ]


def comparable(row: dict[str, Any]) -> dict[str, Any]:
    return {name: in_order(value) if "collect_set" in name else value for name, value in row.items()}


def in_order(items: list[Any]) -> list[Any]:
    return sorted(items, key=str)


def same(one: Any, other: Any) -> bool:
    """Equal; but moments are merged in another order, so that doubles may differ in the last digits."""
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-9) or math.isnan(one) and math.isnan(other)
    return one == other


@pytest.mark.parametrize("empty_batches", [False, True])
def test_every_cut_answers_as_one_batch(examples: int, empty_batches: bool) -> None:
    @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck))
    @given(ROWS, CUTS)
    def cut_into_batches(rows: list[dict[str, Any]], cuts: list[int]) -> None:
        table = pa.Table.from_pylist(rows, schema=SCHEMA)
        bounds = [0, *sorted(min(cut, len(rows)) for cut in cuts), len(rows)]
        batches = [table.slice(a, b - a) for a, b in zip(bounds, bounds[1:], strict=False)]
        kept = batches if empty_batches else [batch for batch in batches if batch.num_rows]
        assert differences(answer(kept), answer([table])) == []

    cut_into_batches()
