"""Aggregate calls over a small table of all types, and what Apache Spark answers.

The answers are kept in aggregate_answers.json. To ask Spark again, with Java 17 on the PATH:

    <python with pyspark 4.2.0> -m tests.operators.aggregate_cases
"""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

ANSWERS = Path(__file__).with_name("aggregate_answers.json")


def _struct(fields: dict[str, Any]) -> dict[str, Any]:
    described = [{"name": n, "type": t, "nullable": True, "metadata": {}} for n, t in fields.items()]
    return {"type": "struct", "fields": described}


NAN, INFINITY = float("nan"), float("inf")

COLUMNS = {
    "g": "string",
    "varied": "boolean",
    "flag": "boolean",
    "tiny": "byte",
    "small": "short",
    "whole": "integer",
    "long": "long",
    "single": "float",
    "x": "double",
    "y": "double",
    "money": "decimal(10,2)",
    "wide": "decimal(38,18)",
    "text": "string",
    "bytes": "binary",
    "day": "date",
    "time": "timestamp",
    "pair": _struct({"a": "integer", "b": "string"}),
}
"""The columns with their types as Spark writes them in JSON."""

SCHEMA = _struct(COLUMNS)

GROUPS = ["plain"] * 12 + ["nulls"] * 3 + ["one"] + ["special"] * 6 + ["same"] * 4 + [None] * 3


def rows() -> list[tuple[Any, ...]]:
    """Some ordinary groups, and one each of nulls only, one row, NaN and infinity, equal values, null key."""
    return [_row(i, group) for i, group in enumerate(GROUPS)]


def _row(i: int, group: str | None) -> tuple[Any, ...]:
    if group == "nulls":
        return (group, *[None] * (len(COLUMNS) - 1))
    k = 7 if group == "same" else (i * 37) % 101 - 50
    x = [NAN, INFINITY, -0.0, 0.0, -INFINITY, 1.5][i % 6] if group == "special" else k / 4
    y = 2.5 if group == "same" else ((i * 53) % 17) / 8 - 1
    values = (
        group != "same",
        k % 3 == 0,
        k,
        k * 300,
        k * 1_000_003,
        k * 10_000_000_007,
        x,
        x,
        y,
        Decimal(k * 37) / 100,
        Decimal(k * 10**12) + Decimal(k) / 7,
        f"t{k % 5}é" if k % 2 else f"T{k}",
        bytes([k % 256, 0, 255]),
        date.fromordinal(738_000 + k),
        datetime(2026, 1, 2, 3, 4, 5, 6 + (k + 50)),
        {"a": k % 4 if k % 5 else None, "b": f"b{k % 3}"},
    )
    # Every row of an ordinary group misses some of its values.
    missing = set(range(1 + i % 5, len(values), 6)) if group == "plain" else set()
    return (group, *[None if j in missing else value for j, value in enumerate(values)])


@dataclass(frozen=True)
class Case:
    """One call as the user writes it."""

    function: str
    inputs: tuple[str, ...] = ()
    parameters: tuple[Any, ...] = ()
    distinct: bool = False
    filter: str | None = None
    ignore_nulls: bool = False

    @property
    def sql(self) -> str:
        arguments = [*self.inputs, *(_literal(value) for value in self.parameters)]
        distinct = "DISTINCT " if self.distinct else ""
        ignore = ", true" if self.ignore_nulls else ""
        filtered = f" FILTER (WHERE {self.filter})" if self.filter else ""
        return f"{self.function}({distinct}{', '.join(arguments) or '*'}{ignore}){filtered}"


NUMBERS = ("tiny", "small", "whole", "long", "single", "x", "money", "wide")
ORDERED = (*NUMBERS, "flag", "text", "bytes", "day", "time", "pair")
STATISTICS = (
    "stddev", "stddev_pop", "stddev_samp", "variance", "var_pop", "var_samp", "skewness", "kurtosis",
)  # fmt: skip
PAIRS = (
    "covar_pop", "covar_samp", "regr_avgx", "regr_avgy", "regr_count", "regr_intercept", "regr_r2",
    "regr_slope", "regr_sxx", "regr_sxy", "regr_syy",
)  # fmt: skip


def cases() -> Iterator[Case]:
    yield from (Case("count"), Case("count", ("x", "text")), Case("count", filter="flag"))
    yield from (Case("count", (column,)) for column in ORDERED)
    yield from (Case(f, (column,)) for f in ("sum", "avg", "try_sum", "try_avg") for column in NUMBERS)
    yield from (Case(f, (column,)) for f in ("min", "max", "first", "last") for column in ORDERED)
    yield from (Case(f, (c,), ignore_nulls=True) for f in ("first", "last", "any_value") for c in ORDERED)
    yield from (Case(f, (column,)) for f in STATISTICS for column in ("long", "x", "y", "money"))
    yield from (Case(f, columns) for f in PAIRS for columns in (("x", "y"), ("tiny", "y")))
    yield from (Case("corr", ("y", "long"), filter=condition) for condition in (None, "varied"))
    yield from (Case("collect_list", (column,)) for column in ORDERED)
    yield from (Case("collect_set", (column,)) for column in ORDERED)
    yield from (Case(f, ("flag",)) for f in ("bool_and", "bool_or", "every", "some", "any", "count_if"))
    yield from (Case(f, (c,)) for f in ("bit_and", "bit_or", "bit_xor") for c in ("tiny", "whole", "long"))
    yield from (Case(f, ("text", c)) for f in ("min_by", "max_by") for c in ("long", "x", "time", "pair"))
    yield from (Case("product", (column,)) for column in ("y", "tiny"))
    yield from (Case("mode", (column,), (True,)) for column in ("tiny", "text", "y", "day"))
    yield from (Case("median", (column,)) for column in ("whole", "x", "money"))
    yield from (Case("percentile", (c,), (0.3,)) for c in ("tiny", "x", "money"))
    yield Case("percentile", ("y",), ([0.0, 0.25, 1.0],))
    yield Case("percentile", ("y",), (0.4, 3))
    yield from (Case("percentile_approx", (c,), (0.3, 100)) for c in (*NUMBERS, "day", "time"))
    yield Case("approx_percentile", ("y",), ([0.0, 0.5, 0.95],))
    yield from (
        Case("approx_count_distinct", (c,)) for c in (*NUMBERS, "flag", "text", "bytes", "day", "time")
    )
    yield from (Case("approx_count_distinct", (c,), (0.02,)) for c in ("long", "text"))
    yield from (Case("count", (column,), distinct=True) for column in ORDERED)
    yield from (Case(f, (c,), distinct=True) for f in ("sum", "avg") for c in ("tiny", "y", "money"))
    yield Case("count", ("tiny", "text"), distinct=True)
    yield from (Case(f, ("long",), filter="flag") for f in ("sum", "avg", "min", "max", "collect_list"))
    yield from (Case(f, ("long",), filter="flag") for f in ("first", "last", "stddev", "bit_xor"))
    yield from (Case("max_by", ("text", "y"), filter="flag"), Case("corr", ("y", "tiny"), filter="flag"))


def encode(value: Any) -> Any:
    """A value as JSON that tells every two different values apart."""
    if isinstance(value, list | tuple):
        return [encode(item) for item in value]
    if isinstance(value, dict):
        return [encode(item) for item in value.values()]
    if isinstance(value, float):
        return f"{value + 0.0!r}"
    if isinstance(value, bytes | bytearray):
        return bytes(value).hex()
    if isinstance(value, datetime):
        return value.replace(tzinfo=None).isoformat()
    return str(value) if isinstance(value, Decimal | date) else value


def _literal(value: Any) -> str:
    if isinstance(value, list):
        return f"array({', '.join(_literal(item) for item in value)})"
    return str(value).lower()


def ask_spark() -> list[dict[str, Any]]:
    """Every case with its type and its answer per group."""
    from pyspark.sql import SparkSession
    from pyspark.sql.types import StructType

    conf = {"spark.ui.enabled": "false", "spark.sql.shuffle.partitions": "1", "spark.log.level": "ERROR"}
    builder = SparkSession.builder.master("local[1]").config("spark.sql.session.timeZone", "UTC")
    spark = builder.config(map=conf).getOrCreate()
    spark.createDataFrame(rows(), StructType.fromJson(SCHEMA)).coalesce(1).createOrReplaceTempView("t")
    return [_ask(spark, case) for case in cases()]


def _ask(spark: Any, case: Case) -> dict[str, Any]:
    try:
        answer = _query(spark, case)
        values = [[row.g, encode(row.v)] for row in answer.collect()]
    except Exception as error:
        return {**asdict(case), "error": str(error).split("\n")[0]}
    return {**asdict(case), "type": answer.schema["v"].dataType.jsonValue(), "answer": values}


def _query(spark: Any, case: Case) -> Any:
    if case.function != "product":
        return spark.sql(f"SELECT g, {case.sql} AS v FROM t GROUP BY g")
    from pyspark.sql import functions

    return spark.table("t").groupBy("g").agg(functions.product(case.inputs[0]).alias("v"))


if __name__ == "__main__":
    lines = [json.dumps(answer, ensure_ascii=False) for answer in ask_spark()]
    ANSWERS.write_text("[\n" + ",\n".join(lines) + "\n]\n")
