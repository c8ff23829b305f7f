"""Files a client has added to its session: modules for closures, files, archives, cached blobs.

They lie in a folder of this process that only its user can read. Names are relative paths inside it;
a name keeps its first content. Closures run in this very process, so a module added by one session can
be imported by all: the last one added under a name wins.
"""

import importlib
import os
import shutil
import sys
import tarfile
import tempfile
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from cauce.errors import SparkError, SparkRuntimeException, UnsupportedOperationException

__all__ = ["ARTIFACT_BYTES_MAX", "ArtifactStore"]

ARTIFACT_BYTES_MAX = 1024 * 1024 * 1024
"""Of one session, all artifacts together."""
ARCHIVE_SUFFIXES = (".zip", ".jar", ".tar.gz", ".tgz", ".tar")


class ArtifactStore:
    """The artifacts of one session. The folder is made with the first artifact, and goes with the session."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._lock = threading.Lock()
        self._root: Path | None = None
        self._bytes = 0
        self._import_paths: list[str] = []

    def exists(self, name: str) -> bool:
        return self._root is not None and self._path(name).is_file()

    def read(self, name: str) -> bytes | None:
        """The content of an artifact, or None."""
        path = self._path(name) if self._root is not None else None
        return path.read_bytes() if path is not None and path.is_file() else None

    def staging(self) -> Path:
        """A new empty file to collect an upload in."""
        self._make_root()
        handle, path = tempfile.mkstemp(dir=self._root, prefix=".upload-")
        os.close(handle)
        return Path(path)

    def add(self, name: str, staged: Path) -> None:
        """Move a finished upload to its name and make it usable from closures.

        Raises INVALID_ARTIFACT_PATH, ARTIFACT_ALREADY_EXISTS (same name, other content) or
        CAUCE_TOO_MANY_ARTIFACT_BYTES; the upload is then gone.
        """
        try:
            with self._lock:
                path = self._path(name.partition("#")[0])
                self._refuse_jars(name)
                if path.exists():
                    self._refuse_other_content(name, path, staged)
                    return
                self._reserve(staged.stat().st_size)
                path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                os.replace(staged, path)
        finally:
            staged.unlink(missing_ok=True)
        self._publish(name, path)

    def files(self) -> Path | None:
        """The folder of the artifacts added as plain files, unpacked archives included."""
        return self._root / "files" if self._root is not None else None

    def close(self) -> None:
        """Forget the modules and delete the folder."""
        with self._lock:
            for entry in self._import_paths:
                if entry in sys.path:
                    sys.path.remove(entry)
                _forget_modules(entry)
            if self._root is not None:
                shutil.rmtree(self._root, ignore_errors=True)
                self._root = None

    def _make_root(self) -> None:
        with self._lock:
            if self._root is None:
                # mkdtemp makes the folder 0700; so no other user can plant a link in it.
                self._root = Path(tempfile.mkdtemp(prefix=f"cauce-artifacts-{self._name}-"))

    def _path(self, name: str) -> Path:
        pure = PurePosixPath(name)
        if not name or pure.is_absolute() or ".." in pure.parts or "\\" in name or "\0" in name:
            raise SparkRuntimeException("INVALID_ARTIFACT_PATH", name=name)
        self_root = self._root
        assert self_root is not None
        path = self_root.joinpath(*pure.parts)
        if not path.resolve().is_relative_to(self_root.resolve()):
            raise SparkRuntimeException("INVALID_ARTIFACT_PATH", name=name)
        return path

    def _refuse_jars(self, name: str) -> None:
        if name.startswith(("jars/", "classes/")):
            raise UnsupportedOperationException("CAUCE_NO_JVM", name=name)

    def _refuse_other_content(self, name: str, path: Path, staged: Path) -> None:
        if path.read_bytes() != staged.read_bytes():
            raise SparkRuntimeException("ARTIFACT_ALREADY_EXISTS", normalizedRemoteRelativePath=name)

    def _reserve(self, size: int) -> None:
        if self._bytes + size > ARTIFACT_BYTES_MAX:
            raise SparkError("CAUCE_TOO_MANY_ARTIFACT_BYTES", limit=ARTIFACT_BYTES_MAX)
        self._bytes += size

    def _publish(self, name: str, path: Path) -> None:
        kind = PurePosixPath(name).parts[0]
        if kind == "pyfiles":
            self._make_importable(path)
        elif kind == "archives":
            self._unpack(name, path)
        elif kind == "files":
            _use_as_spark_files(path.parent)

    def _make_importable(self, path: Path) -> None:
        entry = str(path.parent) if path.suffix == ".py" else str(path)
        with self._lock:
            for module in _modules_of(path):
                _forget_artifact_module(module)
            if entry not in sys.path:
                sys.path.insert(1, entry)
                self._import_paths.append(entry)
        importlib.invalidate_caches()

    def _unpack(self, name: str, path: Path) -> None:
        file_name, _, alias = PurePosixPath(name).name.partition("#")
        assert self._root is not None
        target = self._root / "files" / (alias or file_name)
        target.mkdir(parents=True, mode=0o700)
        size = sum(_sizes(path))
        with self._lock:
            self._reserve(size)
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                archive.extractall(target)  # drops absolute names and ".." by itself
        else:
            with tarfile.open(path) as archive:
                archive.extractall(target, filter="data")
        _use_as_spark_files(target.parent)


def _sizes(path: Path) -> Iterator[int]:
    """Unpacked sizes of an archive's members, so that a small bomb is counted as what it becomes."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            yield from (member.file_size for member in archive.infolist())
    else:
        with tarfile.open(path) as archive:
            yield from (member.size for member in archive)


def _modules_of(path: Path) -> set[str]:
    """Top-level modules that a .py, .zip or .egg brings."""
    if path.suffix == ".py":
        return {path.stem}
    with zipfile.ZipFile(path) as archive:
        return {PurePosixPath(name).parts[0].removesuffix(".py") for name in archive.namelist() if name}


def _forget_artifact_module(name: str) -> None:
    """Drop a module another artifact brought, so that the next import finds the new one."""
    file = getattr(sys.modules.get(name), "__file__", None) or ""
    if "cauce-artifacts-" in file:
        _forget_modules(file)


def _forget_modules(entry: str) -> None:
    for name, module in list(sys.modules.items()):
        if (getattr(module, "__file__", None) or "").startswith(entry):
            del sys.modules[name]


def _use_as_spark_files(folder: Path) -> None:
    """Let `SparkFiles.get` in a closure find files; the client package comes without that class."""
    from cauce.session import spark_files

    spark_files.install(str(folder))
