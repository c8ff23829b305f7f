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
INDENTED_LINE = re.compile(r"\n[^\S\n]")
"""It may be blank, which is more than Arrow's parser can tell."""


def read_csv(data: bytes, schema: StructType, options: FormatOptions) -> pa.Table:
    """The rows of one file."""
    encoding = options.get("encoding", "charset", default="UTF-8")
    text = data.decode(encoding, errors="replace").removeprefix("\ufeff")
    reader = _CsvReader(schema, options)
    return reader.read_records(text) if options.flag("multiLine", False) else reader.read_lines(text)


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

    def read_lines(self, text: str) -> pa.Table:
        """Each line is a record; blank ones and comments are none."""
        separator = self._options.get("lineSep")
        if separator:
            text = text.replace(separator, "\n")
        elif "\r" in text:
            text = text.replace("\r\n", "\n").replace("\r", "\n")
        if self._options.flag("header", False):
            text = self._after_header(text)
        whole = self._plain(text)
        if whole is not None:
            return whole
        lines = [line for line in text.split("\n") if self._is_record(line)]
        parts = [lines[start : start + LINES_AT_ONCE] for start in range(0, len(lines), LINES_AT_ONCE)]
        return pa.concat_tables([self._arrow_schema.empty_table(), *map(self._part, parts)])

    def _is_record(self, line: str) -> bool:
        comment = self.dialect.comment
        return bool(line) and not line.isspace() and not (comment and line.startswith(comment))

    def _after_header(self, text: str) -> str:
        while text:
            line, _, text = text.partition("\n")
            if self._is_record(line):
                self._check_header(self.dialect.fields(line))
                return text
        return text

    def read_records(self, text: str) -> pa.Table:
        """Records may span lines where quotes do."""
        records = [
            (fields, text[start:end].rstrip("\n")) for fields, start, end in self.dialect.records(text)
        ]
        if self._options.flag("header", False) and records:
            self._check_header(records.pop(0)[0])
        return self._table(records)

    def _part(self, lines: list[str]) -> pa.Table:
        plain = self._plain("\n".join(lines))
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

    def _plain(self, text: str) -> pa.Table | None:
        """All records by Arrow's parser, or None if a record may mean something else to Spark."""
        if not text or not self.dialect.is_plain or "\\" in text:
            return None
        if text[0].isspace() or INDENTED_LINE.search(text):
            return None
        if '"' in text and self._odd_quotes_in(text):
            return None
        texts = self._split(text)
        return None if texts is None else self._typed(texts)

    def _odd_quotes_in(self, text: str) -> bool:
        # Arrow has one answer to whether quoted text can be null; Spark says `""` is not, `"NA"` is.
        return self._odd_quote.search(text) is not None or ('""' in text and self.dialect.null_value != "")

    def _split(self, text: str) -> pa.Table | None:
        names = self._data_schema.names
        try:
            return pyarrow.csv.read_csv(
                io.BytesIO(text.encode()),
                pyarrow.csv.ReadOptions(column_names=names, block_size=8 << 20),
                pyarrow.csv.ParseOptions(delimiter=self.dialect.separator, double_quote=False),
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
