"""Where bytes live: one file-system interface, one durable write.

Imported by everything above; imports only clock, conf and errors. Object stores are not here yet.
"""

from cauce.files.file_system import FileStatus, FileSystem, LocalFileSystem, open_file_system

__all__ = ["FileStatus", "FileSystem", "LocalFileSystem", "open_file_system"]
