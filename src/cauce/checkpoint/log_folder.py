"""A folder of small files that are written once, whole and durably, and checked when read."""

import re
import uuid

from cauce.checkpoint.checksum import checksum_name, checksum_of, contradicts
from cauce.checkpoint.damage import damaged_file, shown
from cauce.files import FileSystem, is_local

__all__ = ["LogFolder"]

BATCH_ID = re.compile(r"0|[1-9][0-9]*")
# Files that a killed writer, cauce or Spark, leaves behind: `.<name>.<uuid>[.TID<n>].tmp` and its checksum.
TEMPORARY = re.compile(r"\..*\.tmp(\.crc)?")


class LogFolder:
    """Files by name. The folder appears with its first file."""

    def __init__(self, file_system: FileSystem, path: str, *, private: bool = False) -> None:
        self.path = path
        self._file_system = file_system
        self._private = private
        self._exists = False
        # Object stores check what they keep themselves, and Hadoop writes no checksum files there.
        self._checksums = is_local(path)

    def path_of(self, name: str) -> str:
        return f"{self.path}/{name}"

    def names(self) -> list[str]:
        """Every name, hidden ones included."""
        return self._file_system.names(self.path)

    def batch_ids(self) -> list[int]:
        """The batch ids that have a file, ascending. Whatever else lies in the folder is ignored."""
        return sorted(int(name) for name in self.names() if BATCH_ID.fullmatch(name))

    def is_taken(self, name: str) -> bool:
        """Whether a file is known to be there before it is written; an object store says so when it is."""
        return self._checksums and self.exists(name)

    def exists(self, name: str) -> bool:
        return self._file_system.exists(self.path_of(name))

    def read(self, name: str) -> bytes | None:
        """The bytes of a file, or None without the file; refused if its checksum file contradicts it."""
        try:
            data = self._file_system.read_bytes(self.path_of(name))
        except FileNotFoundError:
            return None
        checksum = self._checksum(name)
        if checksum is not None and contradicts(checksum, data):
            expected = f"the bytes that {self.path_of(checksum_name(name))} was computed from"
            raise damaged_file(self.path_of(name), expected, f"{len(data)} other bytes: {shown(data)}")
        return data

    def _checksum(self, name: str) -> bytes | None:
        if not self._checksums:
            return None
        try:
            return self._file_system.read_bytes(self.path_of(checksum_name(name)))
        except FileNotFoundError:
            return None

    def write(self, name: str, data: bytes) -> None:
        """Create a file; FileExistsError if it is there, whoever wrote it."""
        path, checksum_path = self.path_of(name), self.path_of(checksum_name(name))
        self._make()
        if not self._checksums:
            self._file_system.write_durable(path, data)
            return
        if self._file_system.exists(path):
            raise FileExistsError(path)
        # A checksum left by an earlier life of this name would condemn the new file: it goes first. The new
        # one comes last, because Spark cannot write a file whose checksum file is already there.
        self._file_system.delete(checksum_path)
        self._file_system.write_durable(path, data)
        self._file_system.write_unsynced(checksum_path, checksum_of(data))

    def overwrite(self, name: str, data: bytes) -> None:
        """Create a file or put another in its place, atomically."""
        path, checksum_path = self.path_of(name), self.path_of(checksum_name(name))
        self._make()
        if self._checksums:
            self._file_system.delete(checksum_path)
        self._file_system.write_durable(path, data, overwrite=True)
        if self._checksums:
            self._file_system.write_unsynced(checksum_path, checksum_of(data))

    def _make(self) -> None:
        if not self._exists:
            self._file_system.make_dirs(self.path, private=self._private)
            self._exists = True

    def delete(self, name: str) -> None:
        """Remove a file and its checksum, if they are there."""
        self._file_system.delete(self.path_of(name))
        if self._checksums:
            self._file_system.delete(self.path_of(checksum_name(name)))

    def set_aside(self, name: str) -> str:
        """Rename a damaged file so that no one takes it for a log file; its new path."""
        aside = self.path_of(f".{name}.{uuid.uuid4()}.damaged")
        self._file_system.delete(self.path_of(checksum_name(name)))
        self._file_system.rename(self.path_of(name), aside)
        return aside

    def settle(self) -> None:
        """After a crash: drop unfinished files, and make durable every name that is seen now."""
        names = self.names()
        for name in names:
            if TEMPORARY.fullmatch(name):
                self._file_system.delete(self.path_of(name))
        if names:
            self._file_system.sync_folder(self.path)
