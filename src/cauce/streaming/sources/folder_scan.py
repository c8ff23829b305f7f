"""Finding new files in a folder that is mostly old ones, at the cost of the new ones."""

import os
from collections.abc import Callable
from dataclasses import dataclass

from cauce.clock import Clock
from cauce.errors import AnalysisException
from cauce.files import FileStatus
from cauce.formats.partition_path import partition_values
from cauce.streaming.sources.file_listing import FileListing, is_hidden

__all__ = ["FolderScan"]

SETTLED_AFTER_MS = 2_000
"""A folder changed longer ago than this has a time stamp that the next change will differ from."""


@dataclass(frozen=True)
class Settled:
    """A folder without unseen files, as it was at `modified_ms`."""

    modified_ms: int
    folders: tuple[str, ...]


class FolderScan:
    """Lists like FileListing does, but asks the status of unseen names only.

    A folder in which every file was seen and nothing has changed since is not even listed: polling an
    idle folder of a million files costs one `stat`.
    """

    def __init__(self, listing: FileListing, clock: Clock, seen: Callable[[str], bool]) -> None:
        self._listing = listing
        self._clock = clock
        self._seen = seen
        self._settled: dict[str, Settled] = {}
        self._partitioned = False
        """Whether a partition folder was ever found; from then on sub-folders count."""

    def unseen_files(self) -> list[FileStatus]:
        """The readable files that were not seen before, sorted by path."""
        root = self._listing.path
        try:
            found = self._scan(self._listing.file_system.status(root))
        except FileNotFoundError:
            raise AnalysisException("PATH_NOT_FOUND", path=root) from None
        self._partitioned |= any(partition_values(file.path, root) for file in found)
        return self._listing.select(found, root, nested=self._partitioned)

    def _scan(self, folder: FileStatus) -> list[FileStatus]:
        settled = self._settled.get(folder.path)
        if settled is not None and settled.modified_ms == folder.modified_ms:
            folders, files = [self._status(path) for path in settled.folders], []
        else:
            folders, files = self._look(folder)
        return files + [file for each in folders if each is not None for file in self._scan(each)]

    def _look(self, folder: FileStatus) -> tuple[list[FileStatus | None], list[FileStatus]]:
        paths = [
            os.path.join(folder.path, name)
            for name in sorted(self._listing.file_system.names(folder.path))
            if not is_hidden(name)
        ]
        unseen = [status for path in paths if not self._seen(path) and (status := self._status(path))]
        folders = [status for status in unseen if status.is_dir]
        files = [status for status in unseen if not status.is_dir]
        if not files and folder.modified_ms < self._clock.now_ms() - SETTLED_AFTER_MS:
            names = tuple(status.path for status in folders)
            self._settled[folder.path] = Settled(folder.modified_ms, names)
        return list(folders), files

    def _status(self, path: str) -> FileStatus | None:
        """None for what vanished meanwhile."""
        try:
            return self._listing.file_system.status(path)
        except FileNotFoundError:
            return None
