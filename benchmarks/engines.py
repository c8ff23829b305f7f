"""Runs one measurement on one engine in a process of its own, and watches it from outside."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from commits import CommitWatch

__all__ = ["APACHE_SPARK", "Engine", "Numbers", "cauce", "measure", "spark"]

APACHE_SPARK = "Apache Spark"
Numbers = dict[str, Any]
SCRIPT = Path(__file__).parent / "measurements.py"
SAMPLE_S = 0.2
TIMEOUT_S = 300


@dataclass(frozen=True)
class Engine:
    """A name, the command that runs a PySpark script on it, and what it adds to the environment."""

    name: str
    command: tuple[str, ...]
    environment: dict[str, str] = field(default_factory=dict)


def cauce(name: str = "cauce", source: Path | None = None) -> Engine:
    """The installed cauce, or the one whose package lies in the folder `source`."""
    environment = {"PYTHONPATH": str(source)} if source else {}
    return Engine(name, (sys.executable, "-m", "cauce.cli.main", "run"), environment)


def spark() -> Engine | None:
    """Apache Spark if an interpreter with full PySpark is named and Java is there."""
    python = os.environ.get("CAUCE_SPARK_PYTHON")
    if not python or not shutil.which(python) or not shutil.which("java"):
        return None
    return Engine(APACHE_SPARK, (python,), {"PYSPARK_PYTHON": python})


def measure(engine: Engine, measurement: str, folder: Path, script: Path = SCRIPT) -> Numbers:
    """What the measurement prints, with `memory_mb` and, in order, the milliseconds between batches."""
    with tempfile.TemporaryDirectory(dir=folder.parent) as work:
        commits = CommitWatch(Path(work) / "checkpoint-0" / "commits")
        commits.start()
        process = _start(engine, [str(script), measurement, str(folder), work])
        memory = MemoryPeak(process.pid)
        memory.start()
        try:
            out, err = process.communicate(timeout=TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            commits.stop()
            raise
        between_ms = commits.stop()
    lines = [line for line in out.splitlines() if line.startswith("RESULT ")]
    if process.returncode or not lines:
        raise RuntimeError(f"{measurement} on {engine.name} failed:\n{err[-3000:]}")
    numbers = json.loads(lines[-1].removeprefix("RESULT "))
    return numbers | {"memory_mb": memory.peak_bytes / 2**20, "between_ms": between_ms}


def _start(engine: Engine, arguments: list[str]) -> subprocess.Popen[str]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("SPARK_", "PYSPARK_"))}
    environment |= {"BENCHMARK_STARTED_S": str(time.time()), "TZ": "UTC", **engine.environment}
    return subprocess.Popen(
        [*engine.command, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )


class MemoryPeak(threading.Thread):
    """Adds up the most resident memory that a process and its descendants held, until it ends."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self._pid = pid
        self._peaks: dict[int, int] = {}

    @property
    def peak_bytes(self) -> int:
        return sum(self._peaks.values())

    def run(self) -> None:
        while family := _family(self._pid):
            for pid in family:
                # A child about to become another program still shows its parent's memory.
                self._peaks[pid] = max(_peak_bytes(pid), self._peaks.get(pid, 0))
            time.sleep(SAMPLE_S)


def _family(pid: int) -> list[int]:
    try:
        files = list(Path(f"/proc/{pid}/task").glob("*/children"))
        children = [int(child) for file in files for child in file.read_text().split()]
    except OSError:
        return [pid] if _peak_bytes(pid) else []
    found = [pid] if _peak_bytes(pid) else []
    return found + [member for child in children for member in _family(child)]


def _peak_bytes(pid: int) -> int:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0  # The process ended meanwhile.
    kilobytes = [line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:")]
    return int(kilobytes[0]) * 1024 if kilobytes else 0
