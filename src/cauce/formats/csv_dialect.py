"""How the fields of a CSV record are told apart: univocity's rules, with the defaults Spark gives it."""

from collections.abc import Iterator
from dataclasses import dataclass

from cauce.errors import IllegalArgumentException
from cauce.formats.format_options import FormatOptions

__all__ = ["CsvDialect"]

SPACES = "".join(map(chr, range(0x21)))


@dataclass(frozen=True)
class CsvDialect:
    """The options that decide where a field ends and what an empty one means."""

    separator: str
    quote: str
    escape: str
    comment: str
    null_value: str
    empty_value: str
    trim_left: bool
    trim_right: bool

    @staticmethod
    def parse(options: FormatOptions) -> "CsvDialect":
        return CsvDialect(
            separator=options.get("sep", "delimiter", default=",").replace("\\t", "\t"),
            quote=_one_character(options, "quote", '"'),
            escape=_one_character(options, "escape", "\\"),
            comment=_one_character(options, "comment", ""),
            null_value=options.get("nullValue"),
            empty_value=options.get("emptyValue"),
            trim_left=options.flag("ignoreLeadingWhiteSpace", False),
            trim_right=options.flag("ignoreTrailingWhiteSpace", False),
        )

    @property
    def is_plain(self) -> bool:
        """Whether Arrow's reader splits simple records the same way."""
        odd = self.comment or self.empty_value or self.trim_left or self.trim_right
        return not odd and len(self.separator) == 1 and self.quote == '"'

    def records(self, text: str) -> Iterator[tuple[list[str | None], int, int]]:
        """Records that may span lines, and where each begins and ends."""
        position = 0
        while position < len(text):
            start = position
            fields, position = self._record(text, position, "\n")
            if text[start:position].strip(SPACES):
                yield fields, start, position

    def fields(self, line: str) -> list[str | None]:
        """The fields of a record of one line; None for null."""
        return self._record(line, 0, "")[0]

    def _record(self, text: str, position: int, line_end: str) -> tuple[list[str | None], int]:
        fields: list[str | None] = []
        while True:
            value, position = self._field(text, position, line_end)
            fields.append(None if value == self.null_value else value)
            if not text.startswith(self.separator, position):
                return fields, position + 1
            position += len(self.separator)

    def _field(self, text: str, position: int, line_end: str) -> tuple[str, int]:
        if self.trim_left:
            while text[position : position + 1] in (" ", "\t"):
                position += 1
        if self.quote and text.startswith(self.quote, position):
            return self._quoted(text, position, line_end)
        end = self._end_of_plain(text, position, line_end)
        value = text[position:end]
        return (value.rstrip(SPACES) if self.trim_right else value) or self.null_value, end

    def _quoted(self, text: str, start: int, line_end: str) -> tuple[str, int]:
        value, position = "", start + 1
        while position < len(text):
            character = text[position]
            following = text[position + 1 : position + 2]
            if character == self.escape and following in (self.quote, self.escape) and following:
                value += following
                position += 2
            elif character == self.quote:
                if self._ends_field(text, position + 1, line_end):
                    end = self._end_of_plain(text, position + 1, line_end)
                    return value or self.empty_value, end
                if following == self.quote and self._ends_field(text, position + 2, line_end):
                    return value + self.quote, self._end_of_plain(text, position + 2, line_end)
                # A quote in the middle: what follows is taken as it stands, up to the next separator.
                end = self._end_of_plain(text, position, line_end)
                return self.quote + value + text[position:end], end
            else:
                value += character
                position += 1
        return value, position

    def _ends_field(self, text: str, position: int, line_end: str) -> bool:
        end = self._end_of_plain(text, position, line_end)
        return not text[position:end].strip(SPACES)

    def _end_of_plain(self, text: str, position: int, line_end: str) -> int:
        ends = [text.find(mark, position) for mark in (self.separator, line_end) if mark]
        return min((end for end in ends if end >= 0), default=len(text))


def _one_character(options: FormatOptions, name: str, default: str) -> str:
    value = options.get(name, default=default)
    if len(value) > 1:
        raise IllegalArgumentException(None, f"{name} cannot be more than one character.")
    return "" if value == "\0" else value
