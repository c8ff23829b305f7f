"""Records of a file that are no rows, and the lines they are on."""

from collections.abc import Iterable, Iterator

from cauce.errors import SparkError
from cauce.files import uri_of_path
from cauce.formats import FormatOptions
from cauce.streaming.sources.source import MalformedRecord

__all__ = ["malformed_records"]


def malformed_records(
    path: str, data: bytes, bad: Iterable[tuple[str, SparkError]], options: FormatOptions
) -> Iterator[MalformedRecord]:
    """The records in the order of the file, each with the number of its line, from 1, if it is a line."""
    lines = enumerate(_lines(data, options), 1)
    for record, error in bad:
        number = next((number for number, line in lines if line == record), None)
        if number is None:
            lines = enumerate(_lines(data, options), 1)
        location = {"path": uri_of_path(path)} | ({} if number is None else {"line": number})
        yield MalformedRecord(location, record, "reader", error)


def _lines(data: bytes, options: FormatOptions) -> list[str]:
    encoding = options.get("encoding", "charset", default="UTF-8")
    text = data.decode(encoding, errors="replace").removeprefix("\ufeff")
    separator = options.get("lineSep")
    if separator:
        return text.split(separator)
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
