"""`cauce install delta-client`: Delta Lake's own Python client, without the full PySpark it asks for."""

import argparse
import importlib.util
import shutil
import subprocess
import sys
from collections.abc import Sequence
from importlib import metadata

__all__ = ["DELTA_CLIENT", "main"]

DELTA_CLIENT = "delta-spark==4.4.1"
"""Its requirement of `pyspark` (484 MB, with a JVM's jars) is met by pyspark-client for all it does here."""


def main(arguments: Sequence[str]) -> int:
    """Install into the interpreter that runs this; nothing happens if it is there already."""
    _parser().parse_args(arguments)
    if importlib.util.find_spec("delta") is not None:
        print(f"The Delta client is here already: delta-spark {_version()}.")
        return 0
    done = subprocess.run([*_installer(), "--no-deps", DELTA_CLIENT])
    if done.returncode == 0:
        print("Programs can import it now: from delta.tables import DeltaTable")
    return done.returncode


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="cauce install",
        description="Install what pip cannot without burden: delta-client is the official delta-spark "
        "package without full PySpark, which cauce does not need.",
    )
    parser.add_argument("what", choices=["delta-client"])
    return parser


def _version() -> str:
    try:
        return metadata.version("delta-spark")
    except metadata.PackageNotFoundError:
        return "of unknown version"


def _installer() -> list[str]:
    """pip of this interpreter, or uv where environments have no pip."""
    if importlib.util.find_spec("pip") is None and shutil.which("uv"):
        return ["uv", "pip", "install", "--python", sys.executable]
    return [sys.executable, "-m", "pip", "install"]
