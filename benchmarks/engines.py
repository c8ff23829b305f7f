"""Runs one measurement on one engine in a process of its own, and watches how much memory that takes."""

import json
import os
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["Engine", "cauce", "measure", "spark"]

SCRIPT = Path(__file__).parent / "measurements.py"
SAMPLE_S = 0.1
TIMEOUT_S = 1200


@dataclass(frozen=True)
class Engine:
    """A name, and the command that runs a PySpark script on it."""

    name: str
    command: tuple[str, ...]


def cauce() -> Engine:
    return Engine("cauce", (sys.executable, "-m", "cauce.cli.main", "run"))


def spark() -> Engine | None:
    """Apache Spark, local[2], if an interpreter with full PySpark is named."""
    python = os.environ.get("CAUCE_SPARK_PYTHON")
    return Engine("Apache Spark", (python,)) if python else None


def measure(engine: Engine, measurement: str, folder: Path, work: Path) -> dict[str, Any]:
    """The measurement's numbers, with `memory_mb`: the most the process and its children held at once."""
    work.mkdir(parents=True, exist_ok=True)
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("SPARK_", "PYSPARK_"))}
    environment |= {"BENCHMARK_STARTED_S": str(time.time()), "TZ": "UTC"}
    command = [*engine.command, str(SCRIPT), measurement, str(folder), str(work)]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    )
    peak = MemoryPeak(process.pid)
    peak.start()
    out, err = process.communicate(timeout=TIMEOUT_S)
    lines = [line for line in out.splitlines() if line.startswith("RESULT ")]
    if process.returncode or not lines:
        raise RuntimeError(f"{measurement} on {engine.name} failed:\n{err[-3000:]}")
    return json.loads(lines[-1].removeprefix("RESULT ")) | {"memory_mb": peak.bytes / 2**20}


class MemoryPeak(threading.Thread):
    """Watches the resident memory of a process and its descendants until it ends."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.pid = pid
        self.bytes = 0

    def run(self) -> None:
        while resident := sum(_resident_bytes(pid) for pid in _family(self.pid)):
            self.bytes = max(self.bytes, resident)
            time.sleep(SAMPLE_S)


def _family(pid: int) -> list[int]:
    parents: dict[int, int] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parents[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
        except (OSError, IndexError):
            continue  # The process ended meanwhile.
    found = [pid]
    for member in found:
        found.extend(child for child, parent in parents.items() if parent == member)
    return found


def _resident_bytes(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError):
        return 0
