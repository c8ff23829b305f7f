"""Every aggregate function on every type gives Spark's answer, in one batch and cut into several."""

import json
import math
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from pyspark.sql.pandas.types import to_arrow_schema, to_arrow_type
from pyspark.sql.types import StructType, _parse_datatype_json_value

from cauce.errors import AnalysisException, ArithmeticException
from cauce.streaming.operators import AggregateCall, StreamingAggregate
from tests.operators import aggregate_cases
from tests.operators.aggregate_cases import ANSWERS, COLUMNS, encode, rows

SCHEMA = to_arrow_schema(StructType.fromJson(aggregate_cases.SCHEMA), timezone="UTC")
TABLE = pa.Table.from_pylist([dict(zip(COLUMNS, row, strict=True)) for row in rows()], schema=SCHEMA)
CASES = [case for case in json.loads(ANSWERS.read_text()) if "answer" in case]


def title(case: dict[str, Any]) -> str:
    words = [case["function"], *(["distinct"] if case["distinct"] else []), *case["inputs"]]
    words += [str(value) for value in case["parameters"]]
    return "-".join([*words, *([f"if-{case['filter']}"] if case["filter"] else [])]) + (
        "-ignore-nulls" if case["ignore_nulls"] else ""
    )


def aggregate(case: dict[str, Any], output_type: pa.DataType) -> StreamingAggregate:
    call = AggregateCall(
        function=case["function"],
        output="v",
        output_type=output_type,
        inputs=tuple(case["inputs"]),
        input_types=tuple(SCHEMA.field(name).type for name in case["inputs"]),
        filter=case["filter"],
        distinct=case["distinct"],
        ignore_nulls=case["ignore_nulls"],
        parameters=tuple(case["parameters"]),
    )
    return StreamingAggregate(SCHEMA, ["g"], [call], None, None)


def run(operator: StreamingAggregate, store: Any, pieces: int) -> pa.Table:
    """The complete answer after the rows have come in some batches of about equal size."""
    output = None
    size = math.ceil(TABLE.num_rows / pieces)
    for start in range(0, TABLE.num_rows, size):
        batch = TABLE.slice(start, size)
        output, _ = operator.process(
            batch, store, late_watermark_us=None, eviction_watermark_us=None, output_mode="complete"
        )
    assert output is not None
    return output


def same(expected: Any, actual: Any) -> bool:
    """Equal, but for the last bits of floating-point numbers."""
    if isinstance(expected, list) and isinstance(actual, list):
        return len(expected) == len(actual) and all(map(same, expected, actual))
    if isinstance(expected, str) and isinstance(actual, str) and expected != actual:
        try:
            return math.isclose(float(expected), float(actual), rel_tol=1e-9, abs_tol=1e-12)
        except ValueError:
            return False
    return expected == actual


def unordered(value: Any) -> Any:
    return sorted(value, key=json.dumps) if isinstance(value, list) else value


@pytest.mark.parametrize("pieces", [1, 5], ids=["one-batch", "five-batches"])
@pytest.mark.parametrize("case", CASES, ids=title)
def test_it_answers_as_spark_does(case, pieces, open_store):
    output_type = to_arrow_type(_parse_datatype_json_value(case["type"]), timezone="UTC")
    operator = aggregate(case, output_type)
    output = run(operator, open_store(operator), pieces)
    actual = {row["g"]: encode(row["v"]) for row in output.to_pylist()}
    expected = dict(case["answer"])
    if case["function"] == "collect_set":
        actual = {group: unordered(value) for group, value in actual.items()}
        expected = {group: unordered(value) for group, value in expected.items()}
    assert actual.keys() == expected.keys()
    wrong = {g: (expected[g], actual[g]) for g in expected if not same(expected[g], actual[g])}
    assert not wrong
    assert output.schema.field("v").type == output_type


def totals(function: str, values: pa.Array, output_type: pa.DataType, **options: Any) -> list[Any]:
    """The running value of one call without keys, after each of its values came as a batch of its own."""
    call = AggregateCall(function, "v", output_type, ("a",), (values.type,), **options)
    operator = StreamingAggregate(pa.schema([("a", values.type)]), [], [call], None, None)
    running, old = [], None
    for i in range(len(values)):
        _, new = operator.aggregation.partial(
            operator.keys.flatten(pa.table([values[i : i + 1]], names=["a"])),
            pa.table([values[i : i + 1]], names=["a"]),
        )
        old = new if old is None else operator.aggregation.merge(old, new)
        running.append(operator.aggregation.finish(old)[0][0].as_py())
    return running


LONG_MAX = 2**63 - 1


def test_a_sum_beyond_64_bits_is_an_error_in_one_batch_and_across_batches(open_store):
    call = AggregateCall("sum", "v", pa.int64(), ("a",), (pa.int64(),))
    operator = StreamingAggregate(pa.schema([("a", pa.int64())]), [], [call], None, None)
    for batches in ([[LONG_MAX, 1]], [[LONG_MAX], [1]]):
        store = open_store(operator)
        with pytest.raises(ArithmeticException, match="overflow. Use 'try_add'") as error:
            for values in batches:
                operator.process(
                    pa.table({"a": pa.array(values)}),
                    store,
                    late_watermark_us=None,
                    eviction_watermark_us=None,
                    output_mode="update",
                )
        assert error.value.condition == "ARITHMETIC_OVERFLOW"


def test_sums_without_ansi_wrap_and_try_sum_is_null_for_good():
    values = pa.array([LONG_MAX, 1, -1])
    assert totals("sum", values, pa.int64(), ansi=False) == [LONG_MAX, -LONG_MAX - 1, LONG_MAX]
    assert totals("try_sum", values, pa.int64()) == [LONG_MAX, None, None]


def test_large_sums_that_fit_are_exact():
    assert totals("sum", pa.array([LONG_MAX, -LONG_MAX, 5, None]), pa.int64()) == [LONG_MAX, 0, 5, 5]
    digits, opposite = Decimal("9" * 38), Decimal("-" + "9" * 38)
    values = pa.array([digits, opposite, Decimal(3)], pa.decimal128(38, 0))
    assert totals("sum", values, pa.decimal128(38, 0)) == [digits, 0, 3]


def test_a_sum_of_decimals_beyond_38_digits_is_an_error_or_null():
    values = pa.array([Decimal("9" * 38), Decimal(1)], pa.decimal128(38, 0))
    with pytest.raises(ArithmeticException, match="Overflow in sum of decimals. Use 'try_sum'"):
        totals("sum", values, pa.decimal128(38, 0))
    assert totals("sum", values, pa.decimal128(38, 0), ansi=False) == [Decimal("9" * 38), None]
    assert totals("try_sum", values, pa.decimal128(38, 0)) == [Decimal("9" * 38), None]


def test_an_average_that_does_not_fit_its_type_is_an_error_or_null():
    values = pa.array([Decimal("9" * 37 + ".9")], pa.decimal128(38, 1))
    with pytest.raises(ArithmeticException, match=r"cannot be represented as Decimal\(38, 5\)"):
        totals("avg", values, pa.decimal128(38, 5))
    assert totals("try_avg", values, pa.decimal128(38, 5)) == [None]


def test_correlation_with_a_constant_divides_by_zero():
    case = next(c for c in json.loads(ANSWERS.read_text()) if "error" in c)
    assert (case["function"], "[DIVIDE_BY_ZERO]" in case["error"]) == ("corr", True)
    schema = pa.schema([("x", pa.float64()), ("y", pa.float64())])
    rows = pa.table([[1.0, 1.0], [2.0, 3.0]], schema=schema)
    call = AggregateCall("corr", "v", pa.float64(), ("x", "y"), (pa.float64(),) * 2)
    operator = StreamingAggregate(schema, [], [call], None, None)
    _, buffers = operator.aggregation.partial(operator.keys.flatten(rows), rows)
    with pytest.raises(ArithmeticException, match="Division by zero"):
        operator.aggregation.finish(buffers)


def test_statistics_of_longs_that_are_no_doubles():
    values = pa.array([LONG_MAX, LONG_MAX - 2])
    assert totals("avg", values, pa.float64())[-1] == 2.0**63
    assert totals("stddev_pop", values, pa.float64())[-1] == 0.0
    assert totals("median", values, pa.float64())[-1] == 2.0**63


def test_texts_are_joined_in_order_of_arrival():
    values = pa.array([None, "a", "", "b", None])
    assert totals("listagg", values, values.type) == [None, "a", "a", "ab", "ab"]
    assert totals("string_agg", values, values.type, parameters=("; ",))[-1] == "a; ; b"
    assert totals("listagg", pa.array([b"x", b"y"]), pa.binary())[-1] == b"xy"


def test_a_call_with_more_arguments_than_known_is_refused():
    with pytest.raises(AnalysisException, match="max_by with 2 arguments is not supported"):
        totals("max_by", pa.array([1]), pa.int64(), parameters=(3,))


def test_durations_add_up_and_average():
    values = pa.array([1_500_000, 2_000_000, None], pa.duration("us"))
    assert totals("sum", values, values.type)[-1] == timedelta(seconds=3.5)
    assert totals("avg", values, values.type)[-1] == timedelta(seconds=1.75)
    assert totals("max", values, values.type)[-1] == timedelta(seconds=2)


def test_a_type_that_cannot_be_aggregated_is_refused_before_the_query_runs():
    with pytest.raises(AnalysisException, match=r"Not supported on streams: sum\(string\)"):
        totals("sum", pa.array(["text"]), pa.float64())


def test_state_does_not_depend_on_the_session_time_zone(open_store):
    def operator(zone: str) -> StreamingAggregate:
        kind = pa.timestamp("us", zone)
        calls = [
            AggregateCall("first", "first", kind, ("t",), (kind,)),
            AggregateCall("collect_list", "all", pa.list_(kind), ("t",), (kind,)),
            AggregateCall("max", "last", kind, ("t",), (kind,)),
        ]
        return StreamingAggregate(pa.schema([("k", kind), ("t", kind)]), ["k"], calls, None, None)

    before, after = operator("UTC"), operator("America/Lima")
    assert (before.key_schema, before.value_schema) == (after.key_schema, after.value_schema)
    store = open_store(before)
    for running, time in ((before, 1), (after, 2)):
        kind = running.output_schema.field("first").type
        batch = pa.table({"k": pa.array([0], kind), "t": pa.array([time], kind)})
        output, _ = running.process(
            batch, store, late_watermark_us=None, eviction_watermark_us=None, output_mode="update"
        )
    moments = [datetime(1970, 1, 1, 0, 0, 0, n, tzinfo=UTC) for n in (0, 1, 2)]
    assert output.to_pylist() == [
        {"k": moments[0], "first": moments[1], "all": moments[1:], "last": moments[2]}
    ]
