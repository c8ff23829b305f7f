"""Apache Spark itself, in a process of its own: the interpreter named by CAUCE_SPARK_PYTHON."""

import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

__all__ = ["run_script"]

HERE = Path(__file__).parent
TIMEOUT_S = 3600


def run_script(name: str, *arguments: str | Path) -> str:
    """Run a script of this folder under Spark's interpreter and return what it printed."""
    python = os.environ.get("CAUCE_SPARK_PYTHON")
    if not python:
        raise RuntimeError("CAUCE_SPARK_PYTHON names no interpreter with full PySpark: run `make spark`.")
    command = [python, str(HERE / name), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, env=_environment())
    if done.returncode:
        raise RuntimeError(f"{name} ended with {done.returncode}:\n{_tail(done.stderr.splitlines())}")
    print(done.stdout, file=sys.stderr)
    return done.stdout


def _environment() -> dict[str, str]:
    """Ours, without what points a client at cauce; UTC, as the goldens are."""
    ours = {key: value for key, value in os.environ.items() if not key.startswith(("SPARK_", "PYSPARK_"))}
    return ours | {"TZ": "UTC"}


def _tail(lines: Iterable[str]) -> str:
    return "\n".join(list(lines)[-40:])
