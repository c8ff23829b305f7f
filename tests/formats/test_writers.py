"""Every writer gives, byte for byte, the file that Apache Spark 4.2 wrote for the same rows (golden/)."""

import gzip
import io
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql.types import (
    ArrayType,
    IntegerType,
    LongType,
    StringType,
    StructType,
    TimestampNTZType,
    TimestampType,
)

from cauce.errors import AnalysisException, IllegalArgumentException
from cauce.formats import WRITERS, FormatOptions
from cauce.formats.orc_reader import orc_schema

GOLDEN = Path(__file__).parent / "golden"


def written(format, table, schema, **options):
    file = io.BytesIO()
    WRITERS[format].write(table, schema, file, FormatOptions(options))
    return file.getvalue()


def flat(table, schema):
    """The columns that CSV can hold."""
    schema = StructType(schema.fields[:11])
    return table.select(schema.names), schema


def test_json(table, schema):
    assert written("json", table, schema) == (GOLDEN / "rows.json").read_bytes()


def test_json_with_nulls(table, schema):
    expected = (GOLDEN / "rows_with_nulls.json").read_bytes()
    assert written("json", table, schema, ignoreNullFields="false") == expected


def test_csv(table, schema):
    assert written("csv", *flat(table, schema)) == (GOLDEN / "rows.csv").read_bytes()


def test_csv_with_another_dialect(table, schema):
    options = {"sep": ";", "quoteAll": "true", "nullValue": "NULL", "emptyValue": "EMPTY", "escape": '"'}
    untrimmed = {"ignoreLeadingWhiteSpace": "false", "ignoreTrailingWhiteSpace": "false"}
    expected = (GOLDEN / "rows_with_options.csv").read_bytes()
    assert written("csv", *flat(table, schema), **options, **untrimmed) == expected


def test_csv_with_datetime_patterns(table, schema):
    options = {"timestampFormat": "yyyy/MM/dd HH:mm", "dateFormat": "dd.MM.yyyy", "lineSep": "|"}
    expected = (GOLDEN / "rows_with_patterns.csv").read_bytes()
    assert written("csv", *flat(table.slice(0, 1), schema), **options) == expected


def test_csv_with_a_header(table, schema):
    first = written("csv", *flat(table.slice(0, 1), schema), header="true").split(b"\n")[0]
    assert first == b"s,i,l,d,f,b,dt,ts,ntz,dec,bin"


def test_text(table, schema):
    text = written("text", table.select(["s"]), StructType([schema["s"]]))
    assert text == (GOLDEN / "rows.txt").read_bytes()


def test_timestamps_are_written_in_the_sessions_zone(table, schema):
    file = io.BytesIO()
    berlin = FormatOptions(time_zone="Europe/Berlin")
    WRITERS["csv"].write(table.select(["ts"]).slice(0, 1), StructType([schema["ts"]]), file, berlin)
    assert file.getvalue() == b"2024-01-02T04:04:05.678+01:00\n"


def test_parquet_comes_back_whole(table, schema):
    data = io.BytesIO(written("parquet", table, schema))
    odd = ["d", "f"]  # Not-a-number is not equal to itself.
    assert pq.read_table(data).drop_columns(odd).to_pylist() == table.drop_columns(odd).to_pylist()
    assert "INT96" not in str(pq.ParquetFile(data).schema)
    noted = pq.read_metadata(data).metadata[b"org.apache.spark.sql.parquet.row.metadata"]
    assert StructType.fromJson(json.loads(noted)) == schema


def test_orc_keeps_the_wall_clock_of_the_sessions_zone(table, schema, tmp_path):
    from pyarrow import orc

    file = io.BytesIO()
    berlin = FormatOptions(time_zone="Europe/Berlin")
    WRITERS["orc"].write(table.slice(0, 1), schema, file, berlin)
    [row], [original] = orc.read_table(file).to_pylist(), table.slice(0, 1).to_pylist()
    assert str(row.pop("ts")) == "2024-01-02 04:04:05.678901"
    assert row == {name: value for name, value in original.items() if name != "ts"}
    path = tmp_path / "a.orc"
    path.write_bytes(file.getvalue())
    kinds = {name: orc_schema(str(path))[name].dataType for name in ("ts", "ntz")}
    assert kinds == {"ts": TimestampType(), "ntz": TimestampNTZType()}


def test_files_are_named_after_their_compression():
    def name(format, **options):
        return WRITERS[format].extension(FormatOptions(options))

    assert [name("parquet"), name("orc"), name("json"), name("text"), name("csv")] == [
        ".snappy.parquet",
        ".zstd.orc",
        ".json",
        ".txt",
        ".csv",
    ]
    assert name("parquet", compression="gzip") == ".gz.parquet"
    assert name("csv", compression="BZIP2") == ".csv.bz2"
    assert name("orc", compression="none") == ".orc"


def test_text_formats_are_compressed(table, schema):
    plain = written("json", table, schema)
    assert gzip.decompress(written("json", table, schema, compression="gzip")) == plain
    with pytest.raises(IllegalArgumentException, match=r"The codec lzo is not available"):
        written("json", table, schema, compression="lzo")


@pytest.mark.parametrize(
    ("format", "kind", "message"),
    [
        (
            "csv",
            ArrayType(LongType()),
            r'The CSV datasource doesn\'t support the column `c` of the type "ARRAY<BIGINT>"',
        ),
        ("text", IntegerType(), r'The Text datasource doesn\'t support the column `c` of the type "INT"'),
    ],
)
def test_columns_a_format_cannot_hold_are_named(format, kind, message):
    WRITERS[format].check(StructType().add("c", StringType()))
    with pytest.raises(AnalysisException, match=message):
        WRITERS[format].check(StructType().add("c", kind))


def csv_cases():
    golden = json.loads((GOLDEN / "write_csv_cases.json").read_text())
    return [pytest.param(golden["rows"], case, id=json.dumps(case["options"])) for case in golden["cases"]]


@pytest.mark.parametrize(("rows", "case"), csv_cases())
def test_csv_of_every_awkward_string(rows, case):
    columns = zip(*rows, strict=True)
    table = pa.table(
        {name: pa.array(column, pa.string()) for name, column in zip("abc", columns, strict=True)}
    )
    schema = StructType().add("a", StringType()).add("b", StringType()).add("c", StringType())
    assert written("csv", table, schema, **case["options"]).decode() == case["text"]
