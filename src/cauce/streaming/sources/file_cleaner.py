"""What happens to files once the batch that read them is done: nothing, deletion, or the archive."""

import contextlib
import os
from typing import Protocol

from cauce.errors import IllegalArgumentException, SparkError
from cauce.files import FileSystem, is_local, open_file_system
from cauce.streaming.sources.file_glob import matches_glob
from cauce.streaming.sources.file_options import FileStreamOptions

__all__ = ["FileCleaner", "file_cleaner"]


class FileCleaner(Protocol):
    """Cleaning is best effort, as in Spark: a file that cannot be moved or removed stays."""

    def clean(self, path: str) -> None: ...


def file_cleaner(options: FileStreamOptions, file_system: FileSystem, source_path: str) -> FileCleaner | None:
    """The cleaner that `cleanSource` asks for."""
    if options.clean_source == "delete":
        return DeletingCleaner(file_system)
    if options.clean_source == "archive":
        _, archive_path = open_file_system(options.source_archive_dir or "")
        return ArchivingCleaner(file_system, source_path, archive_path)
    return None


class DeletingCleaner:
    """`cleanSource=delete`."""

    def __init__(self, file_system: FileSystem) -> None:
        self._file_system = file_system

    def clean(self, path: str) -> None:
        with contextlib.suppress(OSError, SparkError):
            self._file_system.delete(path)


class ArchivingCleaner:
    """`cleanSource=archive`: `/in/a.json` moves to `<archive>/in/a.json`."""

    def __init__(self, file_system: FileSystem, source_path: str, archive_path: str) -> None:
        _refuse_other_file_system(source_path, archive_path)
        _refuse_archive_inside_source(source_path, archive_path)
        self._file_system = file_system
        self._archive_path = archive_path

    def clean(self, path: str) -> None:
        target = self._archive_path + path.removeprefix(_root(path))
        with contextlib.suppress(OSError, SparkError):
            self._file_system.make_dirs(os.path.dirname(target))
            self._file_system.rename(path, target)


def _root(path: str) -> str:
    """What a path has before its first folder: nothing, or scheme and bucket."""
    return "" if is_local(path) else "/".join(path.split("/")[:3])


def _refuse_other_file_system(source_path: str, archive_path: str) -> None:
    if _root(source_path) != _root(archive_path):
        raise IllegalArgumentException(
            None,
            "requirement failed: Base archive path is located on a different file system than the source "
            f"files. source path: {source_path} / base archive path: {archive_path}",
        )


def _refuse_archive_inside_source(source_path: str, archive_path: str) -> None:
    """An archived file must never be listed as new input, whatever depth the source reads to."""
    source, archive = (
        path.removeprefix(_root(path)).strip("/").split("/") for path in (source_path, archive_path)
    )
    # Only as deep as the shallower of both, because readers descend and globs may match any level.
    if all(matches_glob(name, pattern) for name, pattern in zip(archive, source, strict=False)):
        raise IllegalArgumentException(
            None,
            "requirement failed: Base archive path cannot be set to the path where archived path can "
            "possibly match with source pattern. Ensure the base archive path doesn't match with source "
            "pattern in depth, where the depth is minimum of depth on both paths.",
        )
