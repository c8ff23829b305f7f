"""CSV to Arrow: Arrow's own parser where records are plain, univocity's and Spark's rules where not."""

import io
import re

import pyarrow as pa
import pyarrow.csv
from pyspark.sql.pandas.types import to_arrow_schema
from pyspark.sql.types import StructType

from cauce.errors import IllegalArgumentException
from cauce.formats.csv_dialect import CsvDialect
from cauce.formats.csv_values import plain_column, value_parser
from cauce.formats.format_options import FormatOptions
from cauce.formats.record_mode import RecordMode

__all__ = ["read_csv"]

LINES_AT_ONCE = 1024
"""A record that is not plain takes this many with it to the slow path."""


def read_csv(data: bytes, schema: StructType, options: FormatOptions) -> pa.Table:
    """The rows of one file."""
    encoding = options.get("encoding", "charset", default="UTF-8")
    text = data.decode(encoding, errors="replace").removeprefix("\ufeff")
    reader = _CsvReader(schema, options)
    if options.flag("multiLine", False):
        return reader.read_records(text)
    return reader.read_lines(_lines(text, options, reader.dialect))


def _lines(text: str, options: FormatOptions, dialect: CsvDialect) -> list[str]:
    """Lines with something in them that are no comments."""
    separator = options.get("lineSep")
    if not separator:
        text, separator = text.replace("\r\n", "\n").replace("\r", "\n"), "\n"
    lines = [line for line in text.split(separator) if line and not line.isspace()]
    return [line for line in lines if not dialect.comment or not line.startswith(dialect.comment)]


class _CsvReader:
    def __init__(self, schema: StructType, options: FormatOptions) -> None:
        self.dialect = CsvDialect.parse(options)
        self._options = options
        self._mode = RecordMode.parse(options)
        self._schema = schema
        self._data_schema = self._mode.data_schema(schema)
        self._arrow_schema = to_arrow_schema(schema, timezone="UTC")
        self._parsers = [value_parser(field.dataType, options) for field in self._data_schema]
        separator = re.escape(self.dialect.separator)
        # A quote neither before nor after a separator, or one that is not closed in its line.
        self._odd_quote = re.compile(
            rf'[^{separator}\n]"[^{separator}\n]|(?:^|[{separator}\n])"[^"\n]*(?:\n|$)'
        )

    def read_lines(self, lines: list[str]) -> pa.Table:
        """Each line is a record."""
        if self._options.flag("header", False) and lines:
            self._check_header(self.dialect.fields(lines[0]))
            lines = lines[1:]
        whole = self._plain(lines)
        if whole is not None:
            return whole
        parts = [lines[start : start + LINES_AT_ONCE] for start in range(0, len(lines), LINES_AT_ONCE)]
        return pa.concat_tables([self._part(part) for part in parts])

    def read_records(self, text: str) -> pa.Table:
        """Records may span lines where quotes do."""
        records = [
            (fields, text[start:end].rstrip("\n")) for fields, start, end in self.dialect.records(text)
        ]
        if self._options.flag("header", False) and records:
            self._check_header(records.pop(0)[0])
        return self._table(records)

    def _part(self, lines: list[str]) -> pa.Table:
        plain = self._plain(lines)
        return self._table([(self.dialect.fields(line), line) for line in lines]) if plain is None else plain

    def _check_header(self, names: list[str | None]) -> None:
        """With `enforceSchema` off, the header must name the columns in their order."""
        if self._options.flag("enforceSchema", True):
            return
        for name, field in zip(names, self._data_schema, strict=False):
            if (name or "").lower() != field.name.lower():
                raise IllegalArgumentException(
                    None,
                    "CSV header does not conform to the schema.\n"
                    f" Header: {', '.join(name or '' for name in names)}\n"
                    f" Schema: {', '.join(self._data_schema.names)}\n"
                    f"Expected: {field.name} but found: {name}",
                )

    def _plain(self, lines: list[str]) -> pa.Table | None:
        """All records by Arrow's parser, or None if a record may mean something else to Spark."""
        if not lines:
            return self._arrow_schema.empty_table()
        text = "\n".join(lines)
        if not self.dialect.is_plain or "\\" in text or ('"' in text and self._odd_quotes_in(text)):
            return None
        texts = self._split(text)
        return None if texts is None or texts.num_rows != len(lines) else self._typed(texts)

    def _odd_quotes_in(self, text: str) -> bool:
        # Arrow has one answer to whether quoted text can be null; Spark says `""` is not, `"NA"` is.
        return self._odd_quote.search(text) is not None or ('""' in text and self.dialect.null_value != "")

    def _split(self, text: str) -> pa.Table | None:
        names = self._data_schema.names
        try:
            return pyarrow.csv.read_csv(
                io.BytesIO(text.encode()),
                pyarrow.csv.ReadOptions(column_names=names, block_size=8 << 20),
                pyarrow.csv.ParseOptions(
                    delimiter=self.dialect.separator, double_quote=False, ignore_empty_lines=False
                ),
                pyarrow.csv.ConvertOptions(
                    column_types={name: pa.string() for name in names},
                    null_values=["", self.dialect.null_value],
                    strings_can_be_null=True,
                    quoted_strings_can_be_null=True,
                ),
            )
        except pa.ArrowInvalid:
            return None

    def _typed(self, texts: pa.Table) -> pa.Table | None:
        columns = []
        for field, target in zip(self._schema, self._arrow_schema, strict=True):
            if field.name == self._mode.corrupt_column:
                columns.append(pa.nulls(texts.num_rows, pa.string()))
                continue
            text = texts[field.name].combine_chunks()
            column = plain_column(text, field.dataType, target.type, self._options)
            if column is None:
                return None
            columns.append(column)
        return pa.table(columns, schema=self._arrow_schema)

    def _table(self, records: list[tuple[list[str | None], str]]) -> pa.Table:
        rows = [row for fields, record in records for row in self._row(fields, record)]
        columns = [
            pa.array([row.get(field.name) for row in rows], field.type) for field in self._arrow_schema
        ]
        return pa.table(columns, schema=self._arrow_schema)

    def _row(self, fields: list[str | None], record: str) -> list[dict]:
        values, bad = {}, len(fields) != len(self._parsers)
        for field, parse, text in zip(self._data_schema, self._parsers, fields, strict=False):
            try:
                values[field.name] = None if text is None else parse(text)
            except ValueError:
                bad = True
        if not self._mode.keeps(record, bad=bad):
            return []
        return [{**values, self._mode.corrupt_column: record} if bad else values]
