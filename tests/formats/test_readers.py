"""Odd and broken input is read as Apache Spark 4.2 read it: golden/read_*_cases.json holds its answers."""

import gzip
import io
import json
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyspark.sql.types import (
    ArrayType,
    BinaryType,
    BooleanType,
    DateType,
    DecimalType,
    DoubleType,
    FloatType,
    IntegerType,
    LongType,
    MapType,
    StringType,
    StructType,
    TimestampNTZType,
    TimestampType,
)

from cauce.errors import IllegalArgumentException, SparkError
from cauce.formats import READERS, WRITERS, FormatOptions, decompress

GOLDEN = Path(__file__).parent / "golden"
POINT = StructType().add("x", IntegerType()).add("y", StringType())
JSON_SCHEMA = (
    StructType()
    .add("id", LongType())
    .add("i", IntegerType())
    .add("s", StringType())
    .add("d", DoubleType())
    .add("b", BooleanType())
    .add("t", TimestampType())
    .add("dt", DateType())
    .add("dec", DecimalType(10, 2))
    .add("a", ArrayType(IntegerType()))
    .add("st", POINT)
    .add("m", MapType(StringType(), IntegerType()))
    .add("bin", BinaryType())
    .add("n", TimestampNTZType())
    .add("f", FloatType())
)
CSV_SCHEMA = (
    StructType()
    .add("id", LongType())
    .add("s", StringType())
    .add("d", DoubleType())
    .add("t", TimestampType())
    .add("dt", DateType())
    .add("b", BooleanType())
    .add("dec", DecimalType(10, 2))
)
PAIR = StructType().add("id", LongType()).add("s", StringType())


def cases(format):
    loaded = json.loads((GOLDEN / f"read_{format}_cases.json").read_text())
    return [pytest.param(case, id=case["name"]) for case in loaded]


def with_corrupt(schema):
    return StructType([*schema.fields]).add("_corrupt_record", StringType())


def read(format, text, schema, **options):
    data = text if isinstance(text, bytes) else text.encode()
    return READERS[format](data, schema, FormatOptions(options, "UTC"))


def spelled(value):
    """As PySpark prints it in a Row."""
    if isinstance(value, datetime):
        value = value.replace(tzinfo=None)
    if isinstance(value, dict):
        return "Row(" + ", ".join(f"{name}={item!r}" for name, item in value.items()) + ")"
    if isinstance(value, list) and value and isinstance(value[0], tuple):
        value = dict(value)
    return repr(value)


def spelled_rows(table):
    return [[spelled(value) for value in row.values()] for row in table.to_pylist()]


@pytest.mark.parametrize("case", cases("json"))
def test_json(case):
    check(case, "json", JSON_SCHEMA)


@pytest.mark.parametrize("case", cases("csv"))
def test_csv(case):
    check(case, "csv", CSV_SCHEMA)


def check(case, format, schema):
    schema = with_corrupt(schema) if case["corrupt"] else schema
    # Ten times ten years from now a time without a date will still mean today, so that row is left out.
    text = "\n".join(line for line in case["text"].split("\n") if '"10:20"' not in line)
    if case["rows"] is None:
        with pytest.raises(SparkError, match="MALFORMED_RECORD_IN_PARSING"):
            read(format, text, schema, **case["options"])
        return
    expected = [row for row in case["rows"] if "10, 20)" not in str(row)]
    assert spelled_rows(read(format, text, schema, **case["options"])) == expected


@pytest.mark.parametrize(
    "case", [case for case in cases("json") if "corrupt" in case.id and "crlf" not in case.id]
)
def test_plain_lines_mean_the_same_alone_as_among_broken_ones(case):
    """Alone a good line takes the fast path, which does not know maps and binary."""
    schema = StructType([f for f in with_corrupt(JSON_SCHEMA) if f.name not in ("m", "bin")])
    for line in case["text"].split("\n"):
        rows = [spelled_rows(read("json", text, schema)) for text in (line, f"{line}\n[]")]
        assert rows[0] == rows[1]


def test_one_broken_line_does_not_cost_its_neighbours():
    lines = [f'{{"id":{i},"s":"x{i}"}}' for i in range(3000)]
    lines[1500] = '{"id":"?","s":"kept"}'
    table = read("json", "\n".join(lines), PAIR)
    assert table.num_rows == 3000
    assert table.slice(1499, 3).to_pylist() == [
        {"id": 1499, "s": "x1499"},
        {"id": None, "s": "kept"},
        {"id": 1501, "s": "x1501"},
    ]


def test_json_that_would_crash_a_parser_is_just_a_bad_record():
    for text in ["null", '{"id":1}\nnull', '{"id":1} null', "[null]", "[" * 5000, '{"id":' * 3000]:
        assert read("json", text, PAIR).num_rows <= 2


def test_json_moments_inside_structs_and_lists():
    event = StructType().add("at", TimestampType())
    schema = StructType().add("e", event).add("l", ArrayType(event)).add("days", ArrayType(DateType()))
    line = '{"e":{"at":"2024-01-02T03:04:05Z"},"l":[{"at":"2024-01-02"},null],"days":["2024-01-02",null]}'
    [row] = read("json", f'{line}\n{{"e":null}}', schema).slice(0, 1).to_pylist()
    assert str(row["e"]["at"]) == "2024-01-02 03:04:05+00:00"
    assert [item and str(item["at"]) for item in row["l"]] == ["2024-01-02 00:00:00+00:00", None]
    assert [day and str(day) for day in row["days"]] == ["2024-01-02", None]


def test_local_times_are_in_the_sessions_zone():
    data = b'{"t":"2024-07-01 12:00:00"}\n{"t":"2024-07-01T12:00:00Z"}'
    schema = StructType().add("t", TimestampType())
    table = READERS["json"](data, schema, FormatOptions(time_zone="Europe/Berlin"))
    assert [str(row["t"]) for row in table.to_pylist()] == [
        "2024-07-01 10:00:00+00:00",
        "2024-07-01 12:00:00+00:00",
    ]


@pytest.mark.parametrize(
    ("text", "options", "expected"),
    [
        ("{'id':1}", {"allowSingleQuotes": "false"}, [None]),
        ("{id:2}", {"allowUnquotedFieldNames": "true"}, [2]),
        ('{"id":013}', {"allowNumericLeadingZeros": "true"}, [13]),
        ('/*c*/{"id":4} // end', {"allowComments": "true"}, [4]),
        ('[{"id":1},\n{"id":2}]', {"multiLine": "true"}, [1, 2]),
        ('{"id":1}\n{"id":2}', {"multiLine": "true"}, [1]),
        ('{"id":1}|{"id":2}', {"lineSep": "|"}, [1, 2]),
        ('{"id":1}'.encode("utf-16"), {"encoding": "UTF-16"}, [1]),
    ],
)
def test_json_options(text, options, expected):
    assert read("json", text, PAIR, **options)["id"].to_pylist() == expected


@pytest.mark.parametrize(
    ("text", "options", "expected"),
    [
        ("id,s\n1,a\n2,b", {"header": "true"}, [(1, "a"), (2, "b")]),
        ("s,id\na,1\n", {"header": "true"}, [(None, "1")]),
        ('1,NA\n2,"NA"\n3,\n4,""', {"nullValue": "NA"}, [(1, None), (2, None), (3, None), (4, "")]),
        ('1,\n2,""', {"emptyValue": "E"}, [(1, None), (2, "E")]),
        ("1||a\n2||b|x", {"sep": "||"}, [(1, "a"), (2, "b|x")]),
        ("1\ta", {"sep": "\\t"}, [(1, "a")]),
        ("1,'a,b'\n2,\"x", {"quote": "'"}, [(1, "a,b"), (2, '"x')]),
        ("#x\n1,a", {"comment": "#"}, [(1, "a")]),
        ("1, a \n", {"ignoreLeadingWhiteSpace": "true", "ignoreTrailingWhiteSpace": "true"}, [(1, "a")]),
        ('1,"a\nb"\n2,c', {"multiLine": "true"}, [(1, "a\nb"), (2, "c")]),
        ('1,"a ""b"""', {"escape": '"'}, [(1, 'a "b"')]),
    ],
)
def test_csv_options(text, options, expected):
    assert [tuple(row.values()) for row in read("csv", text, PAIR, **options).to_pylist()] == expected


def test_a_header_can_be_checked():
    with pytest.raises(IllegalArgumentException, match="CSV header does not conform to the schema"):
        read("csv", "s,id\na,1", PAIR, header="true", enforceSchema="false")


@pytest.mark.parametrize("format", ["csv", "json"])
def test_datetime_patterns(format):
    schema = StructType().add("t", TimestampType()).add("d", DateType())
    text = {"csv": "02/01/2024 10:11,02.01.2024", "json": '{"t":"02/01/2024 10:11","d":"02.01.2024"}'}[format]
    [row] = read(
        format, text, schema, timestampFormat="dd/MM/yyyy HH:mm", dateFormat="dd.MM.yyyy"
    ).to_pylist()
    assert (str(row["t"]), str(row["d"])) == ("2024-01-02 10:11:00+00:00", "2024-01-02")


@pytest.mark.parametrize(
    ("data", "options", "expected"),
    [
        (b"a\r\nb\n\nc\rd\n \xff\n", {}, ["a", "b", "", "c", "d", " \ufffd"]),
        (b"a\nb", {"wholetext": "true"}, ["a\nb"]),
        (b"a|b\nc|", {"lineSep": "|"}, ["a", "b\nc"]),
    ],
)
def test_text(data, options, expected):
    schema = StructType().add("value", StringType())
    assert read("text", data, schema, **options)["value"].to_pylist() == expected


@pytest.mark.parametrize("format", ["json", "orc"])
def test_what_is_written_is_read_back(format, table, schema):
    fields = [field for field in schema.fields if field.name not in ("d", "f")]
    schema = StructType(fields)
    rows = table.select(schema.names).slice(0, 2)
    file = io.BytesIO()
    WRITERS[format].write(rows, schema, file, FormatOptions(time_zone="Europe/Berlin"))
    back = READERS[format](file.getvalue(), schema, FormatOptions(time_zone="Europe/Berlin"))
    if format == "json":  # It keeps milliseconds.
        back, rows = back.drop_columns(["ts", "ntz"]), rows.drop_columns(["ts", "ntz"])
    assert back.to_pylist() == rows.to_pylist()


def test_compressed_files_are_known_by_their_names():
    assert decompress("/in/a.json.gz", gzip.compress(b"x")) == b"x"
    assert decompress("/in/a.json", b"x") == b"x"


def test_columns_have_exactly_the_types_of_the_schema():
    for text in ('{"a":1}', "null", ""):
        table = read("json", text, JSON_SCHEMA)
        assert table.schema.field("t").type == pa.timestamp("us", "UTC")
        assert table.schema.names == JSON_SCHEMA.names


@pytest.mark.parametrize("format", ["csv", "json"])
@given(data=st.data())
@settings(max_examples=300, deadline=None)
def test_no_input_makes_a_reader_fail(format, data):
    """Each record is a row, whatever it holds; the row says so if it is broken."""
    lines = [line for case in cases(format) for line in case.values[0]["text"].split("\n")]
    chosen = "\n".join(data.draw(st.lists(st.sampled_from(lines), min_size=1, max_size=3)))
    position = data.draw(st.integers(0, len(chosen)))
    broken = (
        chosen[:position] + data.draw(st.text(max_size=3)) + chosen[position + data.draw(st.integers(0, 3)) :]
    )
    schema = with_corrupt({"csv": CSV_SCHEMA, "json": JSON_SCHEMA}[format])
    table = read(format, broken.encode(errors="replace"), schema)
    assert table.schema.names == schema.names


def test_csv_decimals_may_have_thousands_separators():
    schema = StructType().add("d", DecimalType(10, 2))
    assert [str(row["d"]) for row in read("csv", '"1,234.5"\n12', schema).to_pylist()] == ["1234.50", "12.00"]
