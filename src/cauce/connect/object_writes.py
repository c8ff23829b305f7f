"""`df.write` of files to an object store: written to this machine's disk by the engine, then uploaded.

Data files appear under names of their own and `_SUCCESS` comes last, as with Spark's committers for object
stores: readers that wait for it never see half of a write.
"""

import os
import shutil
import tempfile
import uuid
from collections.abc import Iterable

from pyspark.sql.connect.proto import WriteOperation

from cauce.connect import forward
from cauce.connect.execution import Execution
from cauce.errors import AnalysisException, SparkError
from cauce.files import FileSystem, is_local, open_file_system, shown_path

__all__ = ["is_object_write", "write_objects"]

FORMATS = frozenset({"", "csv", "json", "orc", "parquet", "text"})
DYNAMIC = "spark.sql.sources.partitionOverwriteMode"
SUCCESS = "_SUCCESS"


def is_object_write(message: WriteOperation) -> bool:
    """Whether a batch write of files goes to an object store that cauce writes."""
    if message.WhichOneof("save_type") != "path" or message.source.lower() not in FORMATS:
        return False
    try:
        return not is_local(open_file_system(message.path)[1])
    except SparkError:
        return False


def write_objects(message: WriteOperation, execution: Execution) -> None:
    """Write now, by the save mode that the user asked for."""
    file_system, path = open_file_system(message.path)
    mode = message.mode or WriteOperation.SAVE_MODE_ERROR_IF_EXISTS
    exists = file_system.exists(path)
    if exists and mode == WriteOperation.SAVE_MODE_ERROR_IF_EXISTS:
        raise AnalysisException("PATH_ALREADY_EXISTS", outputPath=shown_path(path))
    if exists and mode == WriteOperation.SAVE_MODE_IGNORE:
        return
    with tempfile.TemporaryDirectory(prefix="cauce-write-") as folder:
        message.path, message.mode = f"{folder}/written", WriteOperation.SAVE_MODE_OVERWRITE
        for _ in forward.execute(execution):
            pass  # A write answers with nothing but its end.
        names = sorted(_files_below(message.path))
        if exists and mode == WriteOperation.SAVE_MODE_OVERWRITE:
            _clear(file_system, path, names, dynamic=_is_dynamic(message, execution))
        for name in names:
            _upload(file_system, f"{message.path}/{name}", f"{path}/{_unique(name)}")
    file_system.write_durable(f"{path}/{SUCCESS}", b"", overwrite=True)


def _is_dynamic(message: WriteOperation, execution: Execution) -> bool:
    """Whether only the partitions that are written are replaced."""
    options = {key.lower(): value for key, value in message.options.items()}
    conf = execution.session.settings.snapshot()
    mode = options.get("partitionoverwritemode") or conf.get(DYNAMIC) or "static"
    return mode.lower() == "dynamic" and bool(message.partitioning_columns)


def _clear(file_system: FileSystem, path: str, names: Iterable[str], *, dynamic: bool) -> None:
    folders = {f"{path}/{os.path.dirname(name)}" for name in names} if dynamic else {path}
    for folder in sorted(folders):
        file_system.delete_tree(folder)


def _upload(file_system: FileSystem, source: str, target: str) -> None:
    with open(source, "rb") as file, file_system.create_durable(target) as upload:
        shutil.copyfileobj(file, upload, 1 << 20)


def _files_below(folder: str) -> Iterable[str]:
    """Data files, relative to the folder."""
    for parent, _, files in os.walk(folder):
        for name in files:
            if not name.startswith((".", "_")):
                yield os.path.relpath(os.path.join(parent, name), folder)


def _unique(name: str) -> str:
    """`part-00000-<uuid>...`: appending never meets a file of an earlier write."""
    folder, base = os.path.split(name)
    return os.path.join(folder, f"part-{uuid.uuid4()}-{base.removeprefix('part-')}")
