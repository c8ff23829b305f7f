"""Where bytes live: one file-system interface, one durable write.

Imported by everything above; imports only errors. Every change to a local disk passes through
`Disk`, so a test can crash or fail any of them. Supports local paths on POSIX systems and S3
(`bucket.py` alone knows its client); other object stores and Windows are not here.
"""

from cauce.files.disk import Disk
from cauce.files.durable_file import DurableFile
from cauce.files.file_system import FileStatus, FileSystem
from cauce.files.local_copies import local_copies, local_copy
from cauce.files.local_file_system import LocalFileSystem, SyncFailedError
from cauce.files.lock import FileLock, LockedError, Ownership
from cauce.files.object_settings import use_settings
from cauce.files.object_uri import is_local, shown_path
from cauce.files.read_only_disk import ReadOnlyDisk
from cauce.files.uri import open_file_system, path_of_uri, uri_of_path

__all__ = [
    "Disk",
    "DurableFile",
    "FileLock",
    "FileStatus",
    "FileSystem",
    "LocalFileSystem",
    "LockedError",
    "Ownership",
    "ReadOnlyDisk",
    "SyncFailedError",
    "is_local",
    "local_copies",
    "local_copy",
    "open_file_system",
    "path_of_uri",
    "shown_path",
    "uri_of_path",
    "use_settings",
]
