"""Rows as Spark's CSV writer spells them, a column at a time."""

import re
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql.types import (
    ArrayType,
    DataType,
    DateType,
    DecimalType,
    MapType,
    NullType,
    StringType,
    StructType,
    TimestampNTZType,
    TimestampType,
    VariantType,
)

from cauce.errors import IllegalArgumentException
from cauce.formats.format_options import FormatOptions
from cauce.formats.text_columns import cast_to_text, date_text, lines_to_bytes, timestamp_text

__all__ = ["supports", "to_bytes"]

COMMENT = "#"
"""A first value starting like a comment is quoted, so that readers with comments do not skip it."""


def supports(kind: DataType) -> bool:
    return not isinstance(kind, ArrayType | MapType | StructType | NullType | VariantType)


def to_bytes(table: pa.Table, schema: StructType, options: FormatOptions) -> bytes:
    """One line a row; a first line of names if `header` is set."""
    dialect = Dialect.parse(options)
    columns = [
        dialect.spell(_text(column.combine_chunks(), field.dataType, options), first=index == 0)
        for index, (column, field) in enumerate(zip(table.columns, schema.fields, strict=True))
    ]
    rows = pc.binary_join_element_wise(*columns, dialect.separator)
    header = dialect.header(schema.names) if options.flag("header", False) else None
    return lines_to_bytes(rows, options, header=header)


def _text(column: pa.Array, kind: DataType, options: FormatOptions) -> pa.Array:
    match kind:
        case StringType():
            return column.cast(pa.string())
        case TimestampType() | TimestampNTZType():
            return timestamp_text(column, kind, options)
        case DateType():
            return date_text(column, options)
        case DecimalType():
            return column.cast(pa.string())  # With an exponent if small, unlike CAST.
    return cast_to_text(column, kind, options.time_zone)


@dataclass(frozen=True)
class Dialect:
    """How values are told apart: univocity's rules with Spark's defaults."""

    separator: str
    quote: str
    escape: str
    quote_all: bool
    escape_quotes: bool
    null_value: str
    empty_value: str
    trim_left: bool
    trim_right: bool

    @staticmethod
    def parse(options: FormatOptions) -> "Dialect":
        quote, escape = options.get("quote", default='"'), options.get("escape", default="\\")
        for name, value in (("quote", quote), ("escape", escape)):
            if len(value) > 1:
                raise IllegalArgumentException(None, f"{name} cannot be more than one character.")
        return Dialect(
            separator=options.get("sep", "delimiter", default=",").replace("\\t", "\t"),
            quote=quote or "\0",
            escape=escape,
            quote_all=options.flag("quoteAll", False),
            escape_quotes=options.flag("escapeQuotes", True),
            null_value=options.get("nullValue"),
            empty_value=options.get("emptyValue", default='""'),
            trim_left=options.flag("ignoreLeadingWhiteSpace", True),
            trim_right=options.flag("ignoreTrailingWhiteSpace", True),
        )

    def header(self, names: list[str]) -> str:
        spelled = [self.spell(pa.array([name]), first=i == 0)[0].as_py() for i, name in enumerate(names)]
        return self.separator.join(spelled)

    def spell(self, text: pa.Array, *, first: bool) -> pa.Array:
        """Each value as it stands in the file; no nulls are left."""
        return pc.fill_null(self._quote_where_needed(text, first), self._constant(self.null_value))

    def _quote_where_needed(self, text: pa.Array, first: bool) -> pa.Array:
        whitespace = "".join(map(chr, range(0x21)))
        comment = pc.starts_with(text, COMMENT) if first else False
        if self.trim_left:
            text = pc.ascii_ltrim(text, whitespace)
        # As in univocity, white space at the end is still there when quotes are decided on.
        needed = pc.or_(self._needs_quotes(text), comment)
        if self.trim_right:
            text = pc.ascii_rtrim(text, whitespace)
        empty = pc.equal(text, "")
        text = pc.if_else(needed, self._escaped(text), text)
        text = pc.if_else(needed, pc.binary_join_element_wise(self.quote, text, self.quote, ""), text)
        return pc.if_else(empty, self._constant(self.empty_value), text)

    def _needs_quotes(self, text: pa.Array) -> pa.Array:
        if self.quote_all:
            return text.is_valid()
        special = "|".join(map(re.escape, (self.separator, "\n", "\r")))
        # Without `escapeQuotes` only a quote in front makes quotes necessary.
        quote = re.escape(self.quote)
        return pc.match_substring_regex(
            text, f"{special}|{quote}" if self.escape_quotes else f"{special}|^{quote}"
        )

    def _escaped(self, text: pa.Array) -> pa.Array:
        if self.escape != self.quote:
            text = pc.replace_substring(text, self.escape, self.escape * 2)
        return pc.replace_substring(text, self.quote, self.escape + self.quote)

    def _constant(self, value: str) -> str:
        bare = value.removeprefix(self.quote).removesuffix(self.quote)
        return f"{self.quote}{bare}{self.quote}" if self.quote_all else value
