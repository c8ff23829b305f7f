"""Java's date and time patterns (`dd/MM/yyyy HH:mm`) on Arrow columns, to text and from text."""

import re
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from cauce.errors import IllegalArgumentException

__all__ = ["format_with_pattern", "strptime_pattern"]

ISO_OFFSET = 3 * "X"

STRFTIME = {
    "yyyy": "%Y",
    "uuuu": "%Y",
    "yy": "%y",
    "MMMM": "%B",
    "MMM": "%b",
    "MM": "%m",
    "dd": "%d",
    "DDD": "%j",
    "EEEE": "%A",
    "EEE": "%a",
    "EE": "%a",
    "E": "%a",
    "HH": "%H",
    "hh": "%I",
    "mm": "%M",
    "ss": "%S",
    "a": "%p",
    "Z": "%z",
    "XX": "%z",
    ISO_OFFSET: "%Ez",
    "xxx": "%Ez",
    "VV": "%Z",
}
UNPADDED = {"y": "%Y", "u": "%Y", "M": "%m", "d": "%d", "H": "%H", "h": "%I", "m": "%M", "s": "%S", "D": "%j"}
TOKEN = re.compile(r"'((?:[^']|'')*)'|([A-Za-z])\2*|[\[\]]|[^A-Za-z'\[\]]+")


@dataclass(frozen=True)
class Piece:
    """A run of one pattern letter, or literal text."""

    letters: str = ""
    literal: str = ""


def format_with_pattern(column: pa.Array, pattern: str) -> pa.Array:
    """Each moment as text; brackets mark parts that are optional only when reading."""
    fraction = _fraction_digits(column)
    whole = column if fraction is None else _whole_seconds(column)
    pieces = [_format_piece(whole, fraction, piece) for piece in _pieces(pattern)]
    return pc.binary_join_element_wise(*pieces, "")


def strptime_pattern(pattern: str) -> str:
    """The pattern in Python's strptime language."""
    return "".join(_strptime_piece(piece, pattern) for piece in _pieces(pattern))


def _pieces(pattern: str) -> list[Piece]:
    pieces, position = [], 0
    for match in TOKEN.finditer(pattern):
        if match.start() != position:
            raise _illegal(pattern)
        position = match.end()
        text = match[0]
        if match[1] is not None:
            pieces.append(Piece(literal=match[1].replace("''", "'") or "'"))
        elif match[2] is not None:
            pieces.append(Piece(letters=text))
        elif text not in "[]":
            pieces.append(Piece(literal=text))
    if position != len(pattern):
        raise _illegal(pattern)
    return pieces


def _format_piece(whole: pa.Array, fraction: pa.Array | None, piece: Piece) -> pa.Array | str:
    letters = piece.letters
    if not letters:
        return piece.literal
    if set(letters) == {"S"} and fraction is not None:
        return pc.utf8_slice_codeunits(pc.utf8_rpad(fraction, len(letters), "0"), 0, len(letters))
    if letters in STRFTIME:
        text = pc.strftime(whole, STRFTIME[letters])
        return pc.replace_substring_regex(text, r"^\+00:00$", "Z") if letters == ISO_OFFSET else text
    if letters in UNPADDED:
        return pc.replace_substring_regex(pc.strftime(whole, UNPADDED[letters]), r"^0+(.)", r"\1")
    raise _illegal(letters)


def _strptime_piece(piece: Piece, pattern: str) -> str:
    letters = piece.letters
    if not letters:
        return piece.literal.replace("%", "%%")
    if set(letters) == {"S"}:
        return "%f"
    code = STRFTIME.get(letters) or UNPADDED.get(letters)
    if code is None or letters == "VV":
        raise _illegal(pattern)
    return "%z" if code == "%Ez" else code


def _whole_seconds(column: pa.Array) -> pa.Array:
    return pc.floor_temporal(column, unit="second").cast(pa.timestamp("s", column.type.tz))


def _fraction_digits(column: pa.Array) -> pa.Array | None:
    """Six digits of microseconds."""
    if pa.types.is_date(column.type):
        return None
    text = pc.strftime(column.cast(pa.timestamp("us", column.type.tz)), "%S")
    return pc.utf8_slice_codeunits(text, 3, 9)


def _illegal(pattern: str) -> IllegalArgumentException:
    return IllegalArgumentException(None, f"Illegal or unsupported datetime pattern: {pattern}")
