"""`sources/<i>/0` of a source that must remember where it began, such as Kafka's first offsets."""

from collections.abc import Callable

from cauce.checkpoint.damage import damaged_file, shown
from cauce.checkpoint.log_folder import LogFolder
from cauce.checkpoint.log_text import is_json, log_bytes, log_lines
from cauce.files import FileSystem

__all__ = ["InitialOffset"]

NAME = "0"
VERSION = 1


class InitialOffset:
    """One line of JSON, written once. Kafka's has a zero byte in front, for readers as old as Spark 2.1."""

    def __init__(self, file_system: FileSystem, path: str, *, zero_byte: bool = False) -> None:
        self._folder = LogFolder(file_system, path)
        self._prefix = b"\0" if zero_byte else b""

    def read(self) -> str | None:
        data = self._folder.read(NAME)
        if data is None:
            return None
        path = self._folder.path_of(NAME)
        if not data.startswith(self._prefix):
            raise damaged_file(path, "a zero byte first", shown(data))
        _, lines = log_lines(path, data[len(self._prefix) :], VERSION)
        if len(lines) != 1 or not is_json(lines[0]):
            raise damaged_file(path, "one line of JSON after the version", shown(data))
        return lines[0]

    def read_or_create(self, begin: Callable[[], str]) -> str:
        """What was written the first time; `begin` says what, if this is the first time."""
        text = self.read()
        if text is None:
            text = begin()
            self._folder.write(NAME, self._prefix + log_bytes(VERSION, [text]))
        return text
