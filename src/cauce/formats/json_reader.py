"""JSON lines to Arrow: Arrow's own parser where lines are plain, Spark's rules line by line where not."""

import io
import os

import numpy as np
import pyarrow as pa
import pyarrow.json
from pyspark.sql.pandas.types import to_arrow_schema
from pyspark.sql.types import (
    ArrayType,
    BinaryType,
    DataType,
    DateType,
    MapType,
    StringType,
    StructField,
    StructType,
    TimestampNTZType,
    TimestampType,
    VariantType,
)

from cauce.formats.format_options import FormatOptions
from cauce.formats.json_parser import JsonFeatures, JsonSyntaxError, Node, parse_json
from cauce.formats.json_values import BadValueError, JsonRecord
from cauce.formats.record_mode import RecordMode
from cauce.formats.text_to_moment import moment_array

__all__ = ["read_json", "read_json_texts"]

BLOCK_BYTES_MIN, BLOCK_BYTES_MAX = 1 << 20, 8 << 20
LINES_AT_ONCE = 1024
"""A bad line takes this many with it to the slow path."""
LINE_FEED, OPENING_BRACE, CLOSING_BRACE = b"\n{}"
MAY_FOLLOW_CLOSING = np.isin(np.arange(256), list(b",]}\n"))


def read_json(data: bytes, schema: StructType, options: FormatOptions) -> pa.Table:
    """The rows of one file."""
    mode = RecordMode.parse(options)
    slow = _SlowReader(schema, options, mode)
    if options.flag("multiLine", False):
        return slow.read([_decoded(data, options).decode(errors="replace")])
    data = _separated_by_line_feeds(_decoded(data, options), options)
    whole = _read_plain(data, schema, options, mode)
    return whole if whole is not None else _read_in_parts(data, schema, options, mode, slow)


def read_json_texts(
    texts: list[str | None], schema: StructType, options: FormatOptions
) -> tuple[pa.Table, list[int | None]]:
    """The rows of texts of one object each, and for each text the number of its row.

    None for a text that is null or blank; of several objects in an array the first counts, as in Spark.
    """
    mode = RecordMode.parse(options)
    given = [text for text in texts if text]
    if len(given) == len(texts) and not any("\n" in text for text in given):
        table = _read_plain("\n".join(given).encode(), schema, options, mode)
        if table is not None and table.num_rows == len(texts):
            return table, list(range(len(texts)))
    slow, tables, numbers = _SlowReader(schema, options, mode), [_no_rows(schema)], list[int | None]()
    for text in texts:  # A text may have no row, or several: only one after the other tells which has which.
        rows = tables[0] if text is None else slow.read([text])
        numbers.append(len(tables) - 1 if rows.num_rows else None)
        tables.extend([rows.slice(0, 1)] if rows.num_rows else [])
    return pa.concat_tables(tables), numbers


def _read_in_parts(
    data: bytes, schema: StructType, options: FormatOptions, mode: RecordMode, slow: "_SlowReader"
) -> pa.Table:
    lines = [line for line in data.split(b"\n") if line and not line.isspace()]
    tables = [_no_rows(schema)]
    for start in range(0, len(lines), LINES_AT_ONCE):
        part = lines[start : start + LINES_AT_ONCE]
        table = _read_plain(b"\n".join(part), schema, options, mode)
        tables.append(slow.read([_utf8(line) for line in part]) if table is None else table)
    return pa.concat_tables(tables)


def _utf8(line: bytes) -> str | None:
    """A line that is not UTF-8 is a bad record."""
    try:
        return line.decode()
    except UnicodeDecodeError:
        return None


def _decoded(data: bytes, options: FormatOptions) -> bytes:
    encoding = options.get("encoding", "charset", default="UTF-8")
    if encoding.upper() not in ("UTF-8", "UTF8"):
        data = data.decode(encoding).encode()
    return data.removeprefix(b"\xef\xbb\xbf")


def _separated_by_line_feeds(data: bytes, options: FormatOptions) -> bytes:
    separator = options.get("lineSep").encode()
    if separator:
        return data.replace(separator, b"\n")
    return data.replace(b"\r\n", b"\n").replace(b"\r", b"\n") if b"\r" in data else data


def _read_plain(data: bytes, schema: StructType, options: FormatOptions, mode: RecordMode) -> pa.Table | None:
    """All lines by Arrow's parser, or None if a line may mean something else to Spark."""
    if not data:
        return _no_rows(schema)
    wanted = mode.data_schema(schema)
    if not _one_object_a_line(data) or not all(_is_plain(field.dataType) for field in wanted):
        return None
    block_bytes = min(max(len(data) // (2 * (os.cpu_count() or 1)), BLOCK_BYTES_MIN), BLOCK_BYTES_MAX)
    try:
        table = pyarrow.json.read_json(
            io.BytesIO(data),
            pyarrow.json.ReadOptions(block_size=block_bytes),
            pyarrow.json.ParseOptions(
                explicit_schema=_as_written(wanted), unexpected_field_behavior="ignore"
            ),
        )
        table.validate(full=True)
    except (pa.ArrowException, ValueError):
        return None
    return _typed(table, schema, options, mode)


def _one_object_a_line(data: bytes) -> bool:
    """Whether every line is one pair of outer braces.

    Arrow's parser would read several values in a line as several rows, and a bare `null` makes it
    crash the process. A closing brace in a string may look wrong here; that only costs time.
    """
    if not data.startswith(b"{") or not data.endswith((b"}", b"}\n")):
        return False
    characters = np.frombuffer(data, np.uint8)
    line_feeds = np.flatnonzero(characters[:-1] == LINE_FEED)
    closing = np.flatnonzero(characters[:-1] == CLOSING_BRACE)
    lines_are_closed = (characters[line_feeds - 1] == CLOSING_BRACE).all()
    lines_are_opened = (characters[line_feeds + 1] == OPENING_BRACE).all()
    return bool(lines_are_closed and lines_are_opened and MAY_FOLLOW_CLOSING[characters[closing + 1]].all())


def _no_rows(schema: StructType) -> pa.Table:
    return to_arrow_schema(schema, timezone="UTC").empty_table()


def _is_plain(kind: DataType) -> bool:
    match kind:
        case StructType():
            return all(_is_plain(field.dataType) for field in kind)
        case ArrayType():
            return _is_plain(kind.elementType)
    return not isinstance(kind, BinaryType | MapType | VariantType)


def _as_written(schema: StructType) -> pa.Schema:
    """The types to parse: moments are strings in JSON."""
    texts = StructType([StructField(f.name, _text_for_moments(f.dataType)) for f in schema])
    return to_arrow_schema(texts)


def _text_for_moments(kind: DataType) -> DataType:
    match kind:
        case DateType() | TimestampType() | TimestampNTZType():
            return StringType()
        case StructType():
            return StructType([StructField(f.name, _text_for_moments(f.dataType)) for f in kind])
        case ArrayType():
            return ArrayType(_text_for_moments(kind.elementType))
    return kind


def _typed(table: pa.Table, schema: StructType, options: FormatOptions, mode: RecordMode) -> pa.Table | None:
    target = to_arrow_schema(schema, timezone="UTC")
    columns = []
    for field in schema:
        if field.name == mode.corrupt_column:
            columns.append(pa.nulls(table.num_rows, pa.string()))
            continue
        text = table[field.name].combine_chunks()
        column = _moments(text, field.dataType, options)
        if mode.minds(schema) and _lost_values(text, column):
            return None
        columns.append(column)
    return pa.table(columns, schema=target)


def _moments(column: pa.Array, kind: DataType, options: FormatOptions) -> pa.Array:
    match kind:
        case DateType() | TimestampType() | TimestampNTZType():
            return moment_array(column, kind, options)
        case StructType() if _holds_moments(kind):
            children = [
                _moments(child, f.dataType, options) for child, f in zip(column.flatten(), kind, strict=True)
            ]
            return pa.StructArray.from_arrays(children, names=kind.names, mask=column.is_null())
        case ArrayType() if _holds_moments(kind.elementType):
            values = _moments(column.values, kind.elementType, options)
            return pa.ListArray.from_arrays(column.offsets, values, mask=column.is_null())
    return column


def _holds_moments(kind: DataType) -> bool:
    return _text_for_moments(kind) != kind


def _lost_values(before: pa.Array, after: pa.Array) -> bool:
    if pa.types.is_nested(before.type):
        return before is not after  # Looking inside is the slow reader's business.
    return after.null_count > before.null_count


class _SlowReader:
    """Record by record, as Spark's JacksonParser; one Python object per value."""

    def __init__(self, schema: StructType, options: FormatOptions, mode: RecordMode) -> None:
        self._mode = mode
        self._schema = schema
        self._data_schema = mode.data_schema(schema)
        self._arrow_schema = to_arrow_schema(schema, timezone="UTC")
        self._features = _features(options)
        self._record = JsonRecord(options)

    def read(self, records: list[str | None]) -> pa.Table:
        """The rows of these records; None is a record that was not even text."""
        rows = [row for record in records for row in self._rows(record)]
        columns = [pa.array([row.get(f.name) for row in rows], f.type) for f in self._arrow_schema]
        return pa.table(columns, schema=self._arrow_schema)

    def _rows(self, record: str | None) -> list[dict]:
        text = record or ""
        try:
            node = None if record is None else parse_json(text, self._features)
        except JsonSyntaxError:
            return self._row({}, text, bad=True)
        if node is None:
            return [] if record is not None else self._row({}, text, bad=True)
        self._record.text = text
        elements = node.value if node.kind == "array" else [node]
        return [row for element in elements for row in self._converted(element, text)]

    def _converted(self, node: Node, text: str) -> list[dict]:
        try:
            return self._row(self._record.struct(node, self._data_schema), text, bad=False)
        except BadValueError as error:
            return self._row(error.partial or {}, text, bad=True)

    def _row(self, values: dict, text: str, *, bad: bool) -> list[dict]:
        if not self._mode.keeps(text, bad=bad):
            return []
        return [{**values, self._mode.corrupt_column: text} if bad else values]


def _features(options: FormatOptions) -> JsonFeatures:
    return JsonFeatures(
        comments=options.flag("allowComments", False),
        unquoted_names=options.flag("allowUnquotedFieldNames", False),
        single_quotes=options.flag("allowSingleQuotes", True),
        leading_zeros=options.flag("allowNumericLeadingZeros", False),
        backslash_any=options.flag("allowBackslashEscapingAnyCharacter", False),
        control_characters=options.flag("allowUnquotedControlChars", False),
        non_numeric=options.flag("allowNonNumericNumbers", True),
    )
