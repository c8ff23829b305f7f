"""Which files a folder, file or pattern offers a reader, by Spark's rules."""

import os
from dataclasses import dataclass

from cauce.errors import AnalysisException
from cauce.files import FileStatus, FileSystem
from cauce.formats.partition_path import partition_values
from cauce.streaming.sources.file_glob import expand_glob, is_glob, matches_glob

__all__ = ["FileListing", "is_hidden"]


def is_hidden(name: str) -> bool:
    """Names that readers skip: `_temporary`, `.crc`, files being copied; not `_year=2026`."""
    if name.startswith(("_common_metadata", "_metadata")):
        return False
    return name.startswith(".") or (name.startswith("_") and "=" not in name) or name.endswith("._COPYING_")


@dataclass(frozen=True)
class FileListing:
    """A description of where to look; `files()` looks."""

    file_system: FileSystem
    path: str
    path_glob_filter: str | None = None
    recursive: bool = False

    @property
    def base(self) -> str | None:
        """The folder under which `name=value` folders are partitions; None for a pattern."""
        return None if is_glob(self.path) else self.path

    def files(self) -> list[FileStatus]:
        """The readable files there are now, sorted by path."""
        roots = expand_glob(self.file_system, self.path) if is_glob(self.path) else [self.path]
        return [file for root in roots for file in self._under(root)]

    def select(self, files: list[FileStatus], root: str, *, nested: bool = False) -> list[FileStatus]:
        """Of all files below `root`, those that belong to a table there.

        Sub-folders count if partitions are found anywhere, or if lookup is recursive.
        """
        nested = nested or self.recursive or any(partition_values(file.path, root) for file in files)
        return [
            file
            for file in files
            if (nested or os.path.dirname(file.path) == root)
            and self._name_passes(os.path.basename(file.path))
        ]

    def _under(self, root: str) -> list[FileStatus]:
        try:
            status = self.file_system.status(root)
        except FileNotFoundError:
            raise AnalysisException("PATH_NOT_FOUND", path=root) from None
        if not status.is_dir:
            hidden = is_hidden(os.path.basename(root))
            return [] if hidden or not self._name_passes(os.path.basename(root)) else [status]
        return self.select(self._leaves(root), root)

    def _leaves(self, folder: str) -> list[FileStatus]:
        found: list[FileStatus] = []
        for entry in self.file_system.list(folder):
            if is_hidden(os.path.basename(entry.path)):
                continue
            found += self._leaves(entry.path) if entry.is_dir else [entry]
        return found

    def _name_passes(self, name: str) -> bool:
        return self.path_glob_filter is None or matches_glob(name, self.path_glob_filter)
