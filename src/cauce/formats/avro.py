"""Columns of Avro records: `from_avro` and `to_avro`, with a schema given or from a Confluent registry.

The one file that imports fastavro, when it is first needed.
"""

import io
import json
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import pyarrow as pa
from pyspark.sql.pandas.types import from_arrow_type, to_arrow_type
from pyspark.sql.types import DataType

from cauce.errors import AnalysisException, SparkError
from cauce.formats.avro_types import AvroSchema, avro_of_type, type_of_avro, without_null

__all__ = ["AvroDecoder", "AvroEncoder", "avro_type", "parse_avro"]

REGISTRY_TIMEOUT_S = 30
REGISTRY_HEADER_BYTES = 5
"""A zero byte, then the number of the schema, big-endian."""
UNITS = {"timestamp-millis": "ms", "timestamp-micros": "us"}


@dataclass(frozen=True)
class AvroDecoder:
    """Called with binary columns; fields of the schema become the column. Travels to the engine by pickle."""

    writer: str
    """The schema that wrote the records."""
    reader: str
    """The schema that the column has."""
    fails: bool
    """A record that does not fit is an error, rather than null."""
    registry_url: str | None = None

    def __call__(self, records: pa.Array) -> pa.Array:
        reader = _plain(parse_avro(self.reader))
        kind = to_arrow_type(avro_type(self.reader)[0], timezone="UTC")
        plain = to_arrow_type(avro_type(json.dumps(reader))[0], timezone="UTC")
        read = self._read(json.dumps(reader))
        # Records have no common layout: each is read by the schema, one after the other.
        values = [None if record is None else self._value(record, read) for record in records.to_pylist()]
        return _as_moments(pa.array(values, plain), parse_avro(self.reader), kind)

    def _read(self, reader: str) -> Callable[[bytes], Any]:
        """From a record to its value; a schema is prepared once, not for each record."""
        if self.registry_url is None:
            return _reader(json.dumps(_plain(parse_avro(self.writer))), reader)
        url = self.registry_url

        def read(record: bytes) -> Any:
            if record[:1] != b"\0":
                raise ValueError("a record of a schema registry begins with a zero byte")
            number = int.from_bytes(record[1:REGISTRY_HEADER_BYTES], "big")
            return _reader(registered(url, number), reader)(record[REGISTRY_HEADER_BYTES:])

        return read

    def _value(self, record: bytes, read: Callable[[bytes], Any]) -> Any:
        try:
            return read(record)
        except (ValueError, EOFError, IndexError, KeyError, TypeError) as error:
            if self.fails:
                raise SparkError("MALFORMED_AVRO_MESSAGE", mode="FAILFAST") from error
            return None


@dataclass(frozen=True)
class AvroEncoder:
    """Called with a column; gives binary records, by the given schema or by the column's own."""

    schema: str | None
    nullable: bool
    """Whether the column itself may be null, when it has to make its own schema."""

    def __call__(self, column: pa.Array) -> pa.Array:
        schema = self._schema(column.type)
        write, plain = _writer(json.dumps(_plain(schema))), _as_numbers(column, schema)
        rows = plain.to_pylist(maps_as_pydicts="strict")
        return pa.array(
            [write(row) if self.nullable or row is not None else None for row in rows], pa.binary()
        )

    def _schema(self, kind: pa.DataType) -> AvroSchema:
        if self.schema is not None:
            return parse_avro(self.schema)
        return avro_of_type(from_arrow_type(kind), "topLevelRecord", self.nullable)


def parse_avro(text: str) -> AvroSchema:
    """A schema's JSON, where a lone name may stand without quotes."""
    try:
        return json.loads(text)
    except ValueError:
        return text.strip()


def avro_type(text: str) -> tuple[DataType, bool]:
    """The column that a schema makes."""
    schema = parse_avro(text)
    library = _library()
    try:
        library.parse_schema(schema, {})
        return type_of_avro(schema, _named_types(schema, {}))
    except (KeyError, ValueError, TypeError, RecursionError) as error:
        raise AnalysisException(None, f"This is no Avro schema: {text} ({error})") from None
    except Exception as error:
        raise AnalysisException(None, f"Cannot parse the Avro schema: {error}") from error


@lru_cache(maxsize=1024)
def registered(url: str, number: int) -> str:
    """The schema of that number in a Confluent registry, as JSON."""
    with urllib.request.urlopen(
        f"{url.rstrip('/')}/schemas/ids/{number}", timeout=REGISTRY_TIMEOUT_S
    ) as answer:
        return json.dumps(_plain(parse_avro(json.load(answer)["schema"])))


@lru_cache(maxsize=256)
def _reader(writer: str, reader: str) -> Callable[[bytes], Any]:
    library = _library()
    parsed = library.parse_schema(json.loads(writer), {})
    wanted = None if reader == writer else library.parse_schema(json.loads(reader), {})
    return lambda record: library.schemaless_reader(io.BytesIO(record), parsed, wanted)


@lru_cache(maxsize=256)
def _writer(schema: str) -> Callable[[Any], bytes]:
    library = _library()
    parsed = library.parse_schema(json.loads(schema), {})

    def write(value: Any) -> bytes:
        out = io.BytesIO()
        library.schemaless_writer(out, parsed, value)
        return out.getvalue()

    return write


def _plain(schema: AvroSchema) -> AvroSchema:
    """Without dates and moments, which are faster and exact as the numbers they are."""
    if isinstance(schema, list):
        return [_plain(branch) for branch in schema]
    if not isinstance(schema, dict):
        return schema
    kept: dict[str, Any] = {k: v for k, v in schema.items() if k != "logicalType" or v == "decimal"}
    for part in ("items", "values", "type"):
        if part in kept:
            kept[part] = _plain(kept[part])
    if "fields" in kept:
        kept["fields"] = [{**field, "type": _plain(field["type"])} for field in kept["fields"]]
    return kept


def _named_types(
    schema: AvroSchema, found: dict[str, AvroSchema], namespace: str = ""
) -> dict[str, AvroSchema]:
    """Named types inside a schema, by their name with and without the namespace they are in."""
    if isinstance(schema, list):
        for branch in schema:
            _named_types(branch, found, namespace)
    elif isinstance(schema, dict):
        namespace = schema.get("namespace", namespace)
        if "name" in schema:
            found[schema["name"]] = found[f"{namespace}.{schema['name']}".lstrip(".")] = schema
        inner = [schema.get(part) for part in ("type", "items", "values")]
        for part in [*inner, *(field["type"] for field in schema.get("fields", ()))]:
            _named_types(part, found, namespace)
    return found


def _as_moments(numbers: pa.Array, schema: AvroSchema, kind: pa.DataType) -> pa.Array:
    """Numbers become dates and moments where the schema says so."""
    return numbers.cast(_with_units(schema, numbers.type)).cast(kind)


def _with_units(schema: AvroSchema, kind: pa.DataType) -> pa.DataType:
    """The Arrow type in which numbers of this schema mean what they should."""
    if isinstance(schema, list):
        return _with_units(without_null(schema), kind)
    if not isinstance(schema, dict):
        return kind
    if isinstance(schema["type"], dict | list):
        return _with_units(schema["type"], kind)
    if pa.types.is_struct(kind):
        fields = zip(schema["fields"], kind, strict=True)
        return pa.struct([pa.field(f.name, _with_units(s["type"], f.type), f.nullable) for s, f in fields])
    if pa.types.is_list(kind):
        return pa.list_(pa.field("element", _with_units(schema["items"], kind.value_type)))
    if pa.types.is_map(kind):
        return pa.map_(kind.key_type, _with_units(schema["values"], kind.item_type))
    logical = schema.get("logicalType", "")
    if logical == "date":
        return pa.date32()
    unit = UNITS.get(logical.removeprefix("local-"))
    return kind if unit is None else pa.timestamp(unit, None if logical.startswith("local-") else "UTC")


def _as_numbers(column: pa.Array, schema: AvroSchema) -> pa.Array:
    """The way back: dates and moments become the numbers that the schema counts."""
    plain = _numbers_type(column.type, schema)
    if plain == column.type:
        return column
    return column.cast(_with_units(schema, column.type)).cast(plain)


def _numbers_type(kind: pa.DataType, schema: AvroSchema) -> pa.DataType:
    if isinstance(schema, list):
        return _numbers_type(kind, without_null(schema))
    if not isinstance(schema, dict):
        return kind
    if isinstance(schema["type"], dict | list):
        return _numbers_type(kind, schema["type"])
    if pa.types.is_struct(kind):
        types = {field["name"]: field["type"] for field in schema["fields"]}
        return pa.struct([pa.field(f.name, _numbers_type(f.type, types[f.name]), f.nullable) for f in kind])
    if pa.types.is_list(kind):
        return pa.list_(pa.field("element", _numbers_type(kind.value_type, schema["items"])))
    if pa.types.is_map(kind):
        return pa.map_(kind.key_type, _numbers_type(kind.item_type, schema["values"]))
    if pa.types.is_date(kind):
        return pa.int32()
    return pa.int64() if pa.types.is_timestamp(kind) else kind


def _library() -> Any:
    try:
        import fastavro
    except ImportError:
        raise AnalysisException(
            None, 'from_avro and to_avro need the package fastavro: pip install "cauce[kafka]".'
        ) from None
    return fastavro
