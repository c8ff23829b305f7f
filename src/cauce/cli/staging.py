"""Puts what --py-files, --files and --archives name where the program finds it."""

import atexit
import os
import shutil
import sys
import tempfile
import types
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import unquote, urlsplit

from cauce.cli.spark_submit_options import SubmissionError

__all__ = ["stage_files", "stage_py_files"]


def stage_py_files(listed: str) -> None:
    """Make comma-separated .py, .zip, .egg files and folders importable, after the program's own folder."""
    modules: Path | None = None
    for path, _ in _local_files(listed):
        if path.suffix == ".py":
            # One module without its neighbours, as Spark ships it.
            modules = modules or _temporary_folder("cauce-py-files-")
            shutil.copy(path, modules)
        else:
            sys.path.append(str(path))
    if modules is not None:
        sys.path.append(str(modules))


def stage_files(files: str, archives: str) -> None:
    """Copy files and unpack archives into one new folder, which `SparkFiles.get(name)` looks in."""
    root = _temporary_folder("cauce-files-")
    for path, name in _local_files(files):
        copy = shutil.copytree if path.is_dir() else shutil.copy
        copy(path, _inside(root, name))
    for path, name in _local_files(archives):
        _unpack(path, _inside(root, name))
    _provide_spark_files(root)


def _temporary_folder(prefix: str) -> Path:
    folder = tempfile.mkdtemp(prefix=prefix)
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)


def _local_files(listed: str) -> Iterable[tuple[Path, str]]:
    """Each entry `path#name` or `path` of a comma-separated list, with its name in the working folder."""
    for entry in filter(None, (part.strip() for part in listed.split(","))):
        location, _, name = entry.partition("#")
        url = urlsplit(location)
        if url.scheme not in ("", "file", "local"):
            raise SubmissionError(f"{location}: only local files can be given here")
        path = Path(unquote(url.path) if url.scheme else location)
        if not path.exists():
            raise SubmissionError(f"{path}: no such file")
        yield path, name or path.name


def _inside(root: Path, name: str) -> Path:
    target = (root / name).resolve()
    if not target.is_relative_to(root.resolve()) or target.exists():
        raise SubmissionError(f"{name}: not a free name inside the working folder")
    return target


def _unpack(path: Path, target: Path) -> None:
    if path.suffix == ".jar":
        shutil.unpack_archive(path, target, format="zip")
    elif path.name.endswith((".tar", ".tar.gz", ".tgz")):
        shutil.unpack_archive(path, target, filter="data")
    else:
        shutil.unpack_archive(path, target)


def _provide_spark_files(root: Path) -> None:
    """`from pyspark import SparkFiles` works, although pyspark-client leaves the class out."""
    import pyspark

    class SparkFiles:
        """Resolves paths to files given with --files and --archives."""

        @classmethod
        def get(cls, filename: str) -> str:
            return os.path.join(root, filename)

        @classmethod
        def getRootDirectory(cls) -> str:  # noqa: N802 - Spark's name
            return str(root)

    module = types.ModuleType("pyspark.files", "Where the files of a job are.")
    for holder in (module, pyspark):
        holder.SparkFiles = SparkFiles  # pyright: ignore[reportAttributeAccessIssue]
    sys.modules["pyspark.files"] = module
