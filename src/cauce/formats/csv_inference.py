"""The columns of CSV files that come without a schema: named by the header, typed by all their values."""

from collections import Counter
from collections.abc import Iterable, Sequence

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql.types import (
    BooleanType,
    DataType,
    DateType,
    DecimalType,
    DoubleType,
    IntegerType,
    LongType,
    StringType,
    StructField,
    StructType,
    TimestampType,
)

from cauce.formats.csv_dialect import CsvDialect
from cauce.formats.csv_reader import read_csv
from cauce.formats.format_options import FormatOptions
from cauce.formats.text_to_moment import moment_array

__all__ = ["infer_csv"]

INTEGER = r"^[+-]?\d+$"
DOUBLE = r"^\s*[+-]?(NaN|Infinity|(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?)[dDfF]?\s*$"
BOOLEAN = r"^(?i)(true|false)$"
INT_MAX = 2**31 - 1
DECIMAL_DIGITS_MAX = 38
DATE_FORMAT = "yyyy-MM-dd"
"""What a date looks like to Spark's inference unless `dateFormat` says otherwise."""


def infer_csv(files: Sequence[bytes], options: FormatOptions) -> StructType:
    """By Spark's rules (CSVInferSchema); without `inferSchema` every column is text."""
    names = _names(files, options)
    texts = StructType([StructField(name, StringType()) for name in names])
    if not options.flag("inferSchema", False):
        return texts
    # The strictness of a mode is for the rows, once their types are known.
    plain = FormatOptions({**options.options, "mode": "PERMISSIVE"}, options.time_zone)
    table = pa.concat_tables([read_csv(data, texts, plain) for data in files])
    kinds = (_kind(column.combine_chunks(), plain) for column in table.columns)
    return StructType([StructField(name, kind) for name, kind in zip(names, kinds, strict=True)])


def _names(files: Sequence[bytes], options: FormatOptions) -> list[str]:
    record = next((record for data in files if (record := _first_record(data, options))), [])
    if not options.flag("header", False):
        return [f"_c{at}" for at in range(len(record))]
    times = Counter((name or "").lower() for name in record)
    return [
        f"_c{at}" if not name else f"{name}{at}" if times[name.lower()] > 1 else name
        for at, name in enumerate(record)
    ]


def _first_record(data: bytes, options: FormatOptions) -> list[str | None]:
    encoding = options.get("encoding", "charset", default="UTF-8")
    text = data.decode(encoding, errors="replace").removeprefix("\ufeff")
    dialect = CsvDialect.parse(options)
    if options.flag("multiLine", False):
        return next((fields for fields, _, _ in dialect.records(text)), [])
    for line in _lines(text, options.get("lineSep")):
        if line.strip() and not (dialect.comment and line.startswith(dialect.comment)):
            return dialect.fields(line)
    return []


def _lines(text: str, separator: str) -> Iterable[str]:
    """One after the other, as only the first is wanted of what may be very many."""
    if not separator:
        text, separator = text.replace("\r\n", "\n").replace("\r", "\n"), "\n"
    while text:
        line, _, text = text.partition(separator)
        yield line


def _kind(column: pa.Array, options: FormatOptions) -> DataType:
    values = column.drop_null()
    if not len(values):
        return StringType()
    numeric = _numeric(values, options)
    if numeric is not None:
        return numeric
    if not pc.any(pc.match_substring_regex(values, DOUBLE)).as_py():
        moment = _moment(values, options)
        if moment is not None:
            return moment
    return BooleanType() if _all_match(values, BOOLEAN) else StringType()


def _numeric(values: pa.Array, options: FormatOptions) -> DataType | None:
    if _all_match(values, INTEGER):
        return _whole_number(values)
    special = [
        options.get(name, default=text)
        for name, text in (("nanValue", "NaN"), ("negativeInf", "-Inf"), ("positiveInf", "Inf"))
    ]
    known = pc.or_(pc.match_substring_regex(values, DOUBLE), pc.is_in(values, pa.array(special)))
    return DoubleType() if pc.all(known).as_py() else None


def _whole_number(values: pa.Array) -> DataType:
    try:
        numbers = pc.utf8_ltrim(values, "+").cast(pa.int64())
    except pa.ArrowInvalid:
        digits = pc.max(pc.utf8_length(pc.utf8_ltrim(values, "+-"))).as_py()
        return DecimalType(digits, 0) if digits <= DECIMAL_DIGITS_MAX else DoubleType()
    extremes = pc.min_max(numbers).as_py()
    small = extremes["min"] >= -INT_MAX - 1 and extremes["max"] <= INT_MAX
    return IntegerType() if small else LongType()


def _moment(values: pa.Array, options: FormatOptions) -> DataType | None:
    days = FormatOptions({"dateFormat": DATE_FORMAT, **options.options}, options.time_zone)
    if not moment_array(values, DateType(), days).null_count:
        return DateType()
    return None if moment_array(values, TimestampType(), options).null_count else TimestampType()


def _all_match(values: pa.Array, pattern: str) -> bool:
    return pc.all(pc.match_substring_regex(values, pattern)).as_py()
