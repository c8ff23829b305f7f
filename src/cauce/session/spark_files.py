"""`SparkFiles` for closures: the client package leaves it out, a full PySpark has it."""

import importlib.util
import os
import sys
import types

__all__ = ["SparkFiles", "install"]


class SparkFiles:
    """Paths of files added with `spark.addArtifact(..., file=True)`, and of unpacked archives."""

    _root_directory = ""
    _is_running_on_worker = True

    @classmethod
    def get(cls, filename: str) -> str:
        """The absolute path of an added file."""
        return os.path.abspath(os.path.join(cls._root_directory, filename))

    @classmethod
    def getRootDirectory(cls) -> str:  # noqa: N802 - Spark's name
        """The folder the added files are in."""
        return cls._root_directory


def install(folder: str) -> None:
    """Make `folder` what SparkFiles looks into; the last session that added files wins."""
    import pyspark

    if "pyspark.core.files" not in sys.modules and importlib.util.find_spec("pyspark.core") is None:
        core, files = types.ModuleType("pyspark.core"), types.ModuleType("pyspark.core.files")
        core.files, files.SparkFiles = files, SparkFiles  # type: ignore[attr-defined]
        sys.modules.update({"pyspark.core": core, "pyspark.core.files": files})
        pyspark.SparkFiles = SparkFiles  # type: ignore[attr-defined]
    found = importlib.import_module("pyspark.core.files").SparkFiles
    found._root_directory = folder
    found._is_running_on_worker = True
