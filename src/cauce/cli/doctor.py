"""`cauce doctor`: is this installation able to run, and if not, what to do about it."""

import argparse
import os
import shutil
import socket
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Literal

from cauce.cli import local

__all__ = ["CHECKS", "Finding", "main"]

FSYNC_SLOW_MS = 20
"""Every micro-batch waits for about four of them."""
DISK_FREE_BYTES_MIN = 1 << 30
DEFAULT_PORT = 15002


@dataclass(frozen=True)
class Finding:
    """What one check saw; `advice` is the next step when it is not fine."""

    name: str
    level: Literal["ok", "note", "problem"]
    seen: str
    advice: str = ""


def main(arguments: Sequence[str]) -> int:
    """Print every finding; exit code 1 if one of them is a problem."""
    argparse.ArgumentParser(prog="cauce doctor", description="Checks this installation.").parse_args(
        arguments
    )
    from rich.console import Console
    from rich.markup import escape

    console = Console(highlight=False)
    marks = {"ok": "[green]ok[/]     ", "note": "[yellow]note[/]   ", "problem": "[red]problem[/]"}
    findings = []
    for check in CHECKS:
        finding = check()
        findings.append(finding)
        console.print(f"{marks[finding.level]} {finding.name:<12} {escape(finding.seen)}", soft_wrap=True)
        if finding.advice:
            console.print(f"{'':20} -> {escape(finding.advice)}", soft_wrap=True)
    problems = sum(finding.level == "problem" for finding in findings)
    verdict = f"{problems} problem(s) to solve first." if problems else "All well: cauce run your_script.py"
    console.print(verdict)
    return 1 if problems else 0


def python_version() -> Finding:
    return Finding("Python", "ok", f"{sys.version.split()[0]} at {sys.executable}")


def packages() -> Finding:
    """The versions that decide; pandas 3 and a second pyspark are the common accidents."""
    found = {}
    for name in ("cauce", "pyspark-client", "pysail", "pandas", "pyarrow", "grpcio"):
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            return Finding("packages", "problem", f"{name} is missing", f"pip install {name}")
    seen = ", ".join(f"{name} {version}" for name, version in found.items())
    if int(found["pandas"].split(".")[0]) >= 3:
        return Finding(
            "packages", "problem", seen, "PySpark 4.2 needs pandas 2: pip install 'pandas>=2.2,<3'"
        )
    return Finding("packages", "ok", seen)


def one_pyspark() -> Finding:
    """pyspark and pyspark-client write the same files: the last one wins, and removing one breaks both."""
    try:
        version = metadata.version("pyspark")
    except metadata.PackageNotFoundError:
        return Finding("pyspark", "ok", "pyspark-client alone")
    advice = (
        "Better an environment each, or: pip uninstall pyspark; pip install --force-reinstall pyspark-client"
    )
    return Finding("pyspark", "note", f"full pyspark {version} is installed over pyspark-client", advice)


def environment() -> Finding:
    """Variables that change where a PySpark program connects."""
    given = [name for name in ("SPARK_REMOTE", "MASTER", "SPARK_API_MODE") if os.environ.get(name)]
    if given:
        return Finding(
            "environment",
            "note",
            f"{', '.join(given)} set",
            "`cauce run` overrides them, plain `python` uses them.",
        )
    return Finding("environment", "ok", "no variable redirects Spark programs")


def port() -> Finding:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", DEFAULT_PORT))
        except OSError as error:
            advice = "Only `cauce server` cares: give it another --port."
            return Finding("port", "note", f"{DEFAULT_PORT} is not free ({error.strerror})", advice)
    return Finding("port", "ok", f"{DEFAULT_PORT} is free")


def temporary_folder() -> Finding:
    """Writable, with room, and how long a durable write takes there."""
    folder = tempfile.gettempdir()
    try:
        fsync_ms = _fsync_ms(folder)
    except OSError as error:
        return Finding(
            "disk", "problem", f"{folder}: {error.strerror}", "Set TMPDIR to a folder you can write to."
        )
    free = shutil.disk_usage(folder).free
    seen = f"{folder}: fsync {fsync_ms:.1f} ms, {free / 1e9:.1f} GB free"
    if free < DISK_FREE_BYTES_MIN:
        return Finding("disk", "problem", seen, "Free some space, or set TMPDIR.")
    if fsync_ms > FSYNC_SLOW_MS:
        return Finding(
            "disk", "note", seen, "Streaming batches wait for it: put checkpoints on a faster disk."
        )
    return Finding("disk", "ok", seen)


def _fsync_ms(folder: str) -> float:
    durations = []
    with tempfile.TemporaryFile(dir=folder) as file:
        for _ in range(20):
            started = time.perf_counter()
            file.write(b"x" * 512)
            file.flush()
            os.fsync(file.fileno())
            durations.append((time.perf_counter() - started) * 1000)
    return statistics.median(durations)


def batch_query() -> Finding:
    """A real query through client, server and engine."""

    def ask() -> None:
        with _session() as spark:
            rows = spark.sql("SELECT sum(id) AS total FROM range(101)").collect()
        if rows[0].total != 5050:
            raise AssertionError(f"1 + ... + 100 came out as {rows[0].total}")

    return _timed("SQL", ask)


def streaming_query() -> Finding:
    """A real streaming aggregation with a checkpoint, from files to a table in memory."""

    def stream() -> None:
        with _session() as spark, tempfile.TemporaryDirectory() as folder:
            Path(folder, "in").mkdir()
            Path(folder, "in", "events.json").write_text('{"kind":"a"}\n{"kind":"b"}\n{"kind":"a"}\n')
            counts = spark.readStream.schema("kind STRING").json(f"{folder}/in").groupBy("kind").count()
            writer = counts.writeStream.format("memory").queryName("cauce_doctor").outputMode("complete")
            writer.option("checkpointLocation", f"{folder}/checkpoint").trigger(
                availableNow=True
            ).start().awaitTermination()
            rows = {row["kind"]: row["count"] for row in spark.table("cauce_doctor").collect()}
        if rows != {"a": 2, "b": 1}:
            raise AssertionError(f"two a and one b were counted as {rows}")

    return _timed("streaming", stream)


@contextmanager
def _session() -> Iterator:
    from pyspark.sql import SparkSession

    local.start()
    spark = SparkSession.builder.appName("cauce doctor").getOrCreate()
    try:
        yield spark
    finally:
        spark.stop()


def _timed(name: str, action: Callable[[], None]) -> Finding:
    started = time.perf_counter()
    try:
        action()
    except Exception as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        return Finding(name, "problem", reason, "Please report this with the output of `cauce doctor`.")
    return Finding(name, "ok", f"right answer in {(time.perf_counter() - started) * 1000:.0f} ms")


CHECKS: tuple[Callable[[], Finding], ...] = (
    python_version,
    packages,
    one_pyspark,
    environment,
    port,
    temporary_folder,
    batch_query,
    streaming_query,
)
