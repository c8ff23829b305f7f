"""`from_avro` and `to_avro` as programs call them: types, nulls, evolution, bad records, a registry."""

import datetime as dt
import io
import json
import threading
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, HTTPServer

import fastavro
import pytest
from pyspark.errors import AnalysisException, PySparkException
from pyspark.sql import functions as F
from pyspark.sql.avro.functions import from_avro, to_avro

MOMENT = dt.datetime(2024, 2, 29, 12, 30, 45, 123456)
COLUMNS = (
    "i INT, l BIGINT, f FLOAT, d DOUBLE, b BOOLEAN, s STRING, bin BINARY, day DATE, ts TIMESTAMP, "
    "ntz TIMESTAMP_NTZ, dec DECIMAL(10,2), arr ARRAY<STRING>, m MAP<STRING,INT>, st STRUCT<x: INT, day: DATE>"
)
FULL = (
    *(1, 2**40, 1.5, 2.5, True, "日本 😀", b"\x00a", dt.date(2024, 2, 29), MOMENT, MOMENT, Decimal("12.34")),
    *(["a", None], {"k": 1}, (7, dt.date(1969, 12, 31))),
)
USER = {
    "type": "record",
    "name": "User",
    "fields": [{"name": "id", "type": "long"}, {"name": "name", "type": "string"}],
}


def record(schema: dict, value: dict) -> bytes:
    out = io.BytesIO()
    fastavro.schemaless_writer(out, fastavro.parse_schema(schema), value)
    return out.getvalue()


@pytest.fixture
def all_types(spark):
    spark.conf.set("spark.sql.session.timeZone", "UTC")
    return spark.createDataFrame([FULL, (None,) * len(FULL)], COLUMNS)


def test_every_type_comes_back(all_types):
    rows = F.struct(*[F.col(name) for name in all_types.columns]).alias("r")
    fields = [
        {"name": name, "type": [kind, "null"]}
        for name, kind in {
            "i": "int",
            "l": "long",
            "f": "float",
            "d": "double",
            "b": "boolean",
            "s": "string",
            "bin": "bytes",
            "day": {"type": "int", "logicalType": "date"},
            "ts": {"type": "long", "logicalType": "timestamp-micros"},
            "ntz": {"type": "long", "logicalType": "local-timestamp-micros"},
            "dec": {
                "type": "fixed",
                "name": "dec",
                "size": 5,
                "logicalType": "decimal",
                "precision": 10,
                "scale": 2,
            },
            "arr": {"type": "array", "items": ["string", "null"]},
            "m": {"type": "map", "values": ["int", "null"]},
            "st": {
                "type": "record",
                "name": "st",
                "fields": [
                    {"name": "x", "type": ["int", "null"]},
                    {"name": "day", "type": [{"type": "int", "logicalType": "date"}, "null"]},
                ],
            },
        }.items()
    ]
    schema = json.dumps({"type": "record", "name": "topLevelRecord", "fields": fields})
    for encoded in (to_avro(rows), to_avro(rows, schema)):
        decoded = all_types.select(encoded.alias("v")).select(from_avro("v", schema).alias("r")).select("r.*")
        assert decoded.collect() == all_types.collect()
        assert [f.dataType for f in decoded.schema] == [f.dataType for f in all_types.schema]


def test_columns_are_written_as_sparks(spark):
    df = spark.createDataFrame([(1, "a")], "id INT, name STRING")
    [row] = df.select(
        to_avro(F.struct("id", "name")).alias("r"), to_avro("name"), to_avro("id").alias("i")
    ).collect()
    assert bytes(row.r) == b"\x00\x02\x00\x02a"  # A union's first branch is the value, as Spark writes it.
    assert row.asDict()["to_avro(name)"] == b"\x00\x02a"
    assert row.i == b"\x00\x02"


def test_a_null_record_is_null(spark):
    df = spark.createDataFrame([(None,), (bytearray(record(USER, {"id": 1, "name": "a"})),)], "v BINARY")
    found = [row.u for row in df.select(from_avro("v", json.dumps(USER)).alias("u")).collect()]
    assert [row and tuple(row) for row in found] == [None, (1, "a")]


def test_a_schema_may_have_grown(spark):
    grown = {**USER, "fields": [*USER["fields"], {"name": "age", "type": "int", "default": -1}]}
    df = spark.createDataFrame([(bytearray(record(USER, {"id": 1, "name": "a"})),)], "v BINARY")
    options = {"avroSchema": json.dumps(grown)}
    [row] = df.select(from_avro("v", json.dumps(USER), options).alias("u")).select("u.*").collect()
    assert tuple(row) == (1, "a", -1)


def test_bad_records_fail_or_are_null(spark):
    df = spark.createDataFrame([(bytearray(b"\x02"),)], "v BINARY")
    with pytest.raises(PySparkException, match="Malformed Avro messages are detected"):
        df.select(from_avro("v", json.dumps(USER))).collect()
    permissive = from_avro("v", json.dumps(USER), {"mode": "PERMISSIVE"})
    assert [row.u for row in df.select(permissive.alias("u")).collect()] == [None]


@pytest.mark.parametrize("schema", ["{", '{"type":"record"}', "nothing", '["int","string"]'])
def test_a_schema_that_makes_no_column_is_refused(spark, schema):
    with pytest.raises(AnalysisException):
        assert spark.createDataFrame([(b"",)], "v BINARY").select(from_avro("v", schema)).schema


def test_enums_and_named_types(spark):
    schema = {
        "type": "record",
        "name": "R",
        "namespace": "n",
        "fields": [
            {"name": "e", "type": {"type": "enum", "name": "E", "symbols": ["A", "B"]}},
            {"name": "again", "type": ["null", "n.E"]},
        ],
    }
    df = spark.createDataFrame([(bytearray(record(schema, {"e": "B", "again": "A"})),)], "v BINARY")
    [row] = df.select(from_avro("v", json.dumps(schema)).alias("r")).select("r.*").collect()
    assert tuple(row) == ("B", "A")


class Registry(BaseHTTPRequestHandler):
    """A Confluent registry with one schema, number 7."""

    def do_GET(self) -> None:
        found = self.path == "/schemas/ids/7"
        self.send_response(200 if found else 404)
        self.end_headers()
        self.wfile.write(json.dumps({"schema": json.dumps(USER)}).encode())

    def log_message(self, *_: object) -> None:
        """Quiet."""


def test_records_of_a_registry(spark):
    server = HTTPServer(("127.0.0.1", 0), Registry)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    reader = {**USER, "fields": USER["fields"][1:]}
    options = {"cauce.schemaRegistryUrl": f"http://127.0.0.1:{server.server_port}"}
    value = b"\0" + (7).to_bytes(4, "big") + record(USER, {"id": 1, "name": "a"})
    df = spark.createDataFrame([(bytearray(value),)], "v BINARY")
    [row] = df.select(from_avro("v", json.dumps(reader), options).alias("u")).select("u.*").collect()
    assert tuple(row) == ("a",)
    server.shutdown()


def test_a_stream_of_avro(spark, tmp_path):
    df = spark.readStream.format("rate-micro-batch").option("rowsPerBatch", 3).load()
    schema = '{"type":"record","name":"r","fields":[{"name":"value","type":"long"}]}'
    encoded = df.select(to_avro(F.struct("value"), schema).alias("v"))
    query = (
        encoded.select(from_avro("v", schema).alias("r"))
        .select("r.value")
        .writeStream.format("memory")
        .queryName("avro")
        .trigger(once=True)
        .start()
    )
    query.awaitTermination()
    assert sorted(row.value for row in spark.table("avro").collect()) == [0, 1, 2]
