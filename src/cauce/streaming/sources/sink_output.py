"""Reading a folder that a streaming file sink wrote: only what its `_spark_metadata` log lists counts.

Data files of a batch that failed half-way lie in the folder too; the log does not list them.
"""

from cauce.checkpoint import SinkLog
from cauce.files import FileStatus, FileSystem
from cauce.streaming.sources.file_glob import is_glob

__all__ = ["SINK_LOG", "has_sink_log", "sink_log_files", "sink_log_statuses"]

SINK_LOG = "_spark_metadata"


def has_sink_log(file_system: FileSystem, path: str) -> bool:
    """Whether a streaming file sink wrote into this folder."""
    return not is_glob(path) and file_system.exists(f"{path}/{SINK_LOG}")


def sink_log_statuses(file_system: FileSystem, path: str) -> list[FileStatus]:
    """The files the log lists, as it describes them."""
    return [
        FileStatus(file.path, file.size_bytes, file.modified_ms, False)
        for file in SinkLog(file_system, f"{path}/{SINK_LOG}").all_files()
    ]


def sink_log_files(file_system: FileSystem, path: str) -> list[str] | None:
    """The paths the log lists; None if the folder has no such log and simply counts as it is."""
    if not has_sink_log(file_system, path):
        return None
    return [file.path for file in sink_log_statuses(file_system, path)]
