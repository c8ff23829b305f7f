"""GENERATE symlink_format_manifest: lists of data files for engines that know no Delta."""

from cauce.delta.errors import DeltaIllegalArgumentException, DeltaUnsupportedOperationException
from cauce.delta.log import DeltaLog
from cauce.delta.reading import absolute_path
from cauce.files import uri_of_path

__all__ = ["generate_manifest"]

MODE = "symlink_format_manifest"
FOLDER = "_symlink_format_manifest"


def generate_manifest(log: DeltaLog, mode: str) -> None:
    """One file `manifest` for each partition, replacing those that are there."""
    if mode.lower() != MODE:
        raise DeltaIllegalArgumentException("DELTA_MODE_NOT_SUPPORTED", mode=mode, supportedModes=MODE)
    snapshot = log.existing()
    if any(file.deletion_vector for file in snapshot.files.values()):
        raise DeltaUnsupportedOperationException("DELTA_UNSUPPORTED_GENERATE_WITH_DELETION_VECTORS")
    manifests: dict[str, list[str]] = {} if snapshot.table.partition_columns else {"": []}
    for file in snapshot.files.values():
        path = absolute_path(log.path, file.path)
        folder = path.removeprefix(f"{log.path}/").rpartition("/")[0]
        manifests.setdefault(folder, []).append(uri_of_path(path))
    log.file_system.delete_tree(f"{log.path}/{FOLDER}")
    for folder, paths in manifests.items():
        target = f"{log.path}/{FOLDER}/{folder}".rstrip("/")
        log.file_system.make_dirs(target)
        text = "".join(f"{path}\n" for path in sorted(paths))
        log.file_system.write_durable(f"{target}/manifest", text.encode(), overwrite=True)
