"""`cauce replay` computes one batch again, with the state before it, and changes nothing."""

import hashlib
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

PROGRAM = """
import sys
from pyspark.sql import SparkSession, functions as F

folder, mistake = sys.argv[1], len(sys.argv) > 2
spark = SparkSession.builder.getOrCreate()
reader = spark.readStream.schema("word STRING, ts TIMESTAMP").option("maxFilesPerTrigger", 1)
words = reader.json(folder + "/in")

@F.udf("string")
def loud(word):
    if mistake and word == "b":
        reason = word * 3
        raise ValueError("no b here")
    return word.upper()

def start(frame, name):
    writer = frame.writeStream.trigger(availableNow=True).option("checkpointLocation", f"{folder}/{name}")
    return writer.start(f"{folder}/{name}-out")

try:
    start(words, "all").awaitTermination()
    windows = words.withColumn("word", loud("word")).withWatermark("ts", "0 seconds")
    counts = windows.groupBy(F.window("ts", "10 seconds"), "word").count()
    counts = counts.select("window.end", "word", "count")
    start(counts, "counts").awaitTermination()
except Exception:
    raise
print("done")
"""


def cauce(*words: object, keys: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "cauce.cli.main", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, input=keys, check=False)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run over four files, one a batch."""
    folder = tmp_path_factory.mktemp("replay")
    (folder / "job.py").write_text(PROGRAM)
    (folder / "in").mkdir()
    for i, (word, second) in enumerate([("a", 1), ("a", 2), ("b", 15), ("c", 59)]):
        (folder / "in" / f"{i}.json").write_text(f'{{"word":"{word}","ts":"2024-01-01T00:00:{second:02}Z"}}')
    assert cauce("run", folder / "job.py", folder).stdout == "done\n"
    return folder


def contents(folder: Path) -> dict[str, str]:
    files = [path for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc"]
    return {str(path): hashlib.md5(path.read_bytes()).hexdigest() for path in files}


def test_a_batch_gives_what_it_gave_and_nothing_changes(folder: Path, tmp_path: Path) -> None:
    before = contents(folder)
    rows = tmp_path / "rows.parquet"
    done = cauce("replay", "--out", rows, folder / "counts", 3, folder / "job.py", folder)
    lines = done.stdout.splitlines()
    assert lines[0].startswith("batch 3 (committed): 1 rows in, 1 rows out; timestamp 2")
    assert lines[0].endswith(", watermark 2024-01-01T00:00:15.000Z")
    assert "│ 2024-01-01 00:00:10 │ A    │ 2     │" in lines
    assert (lines[-1], done.stderr, done.returncode) == (f"1 rows written to {rows}", "", 0)
    assert [(row["word"], row["count"]) for row in pq.read_table(rows).to_pylist()] == [("A", 2)]
    assert contents(folder) == before


def test_a_function_that_fails_opens_the_debugger_where_it_does(folder: Path) -> None:
    program = folder / "job.py"
    done = cauce("replay", "--pdb", folder / "counts", 2, program, folder, "mistake", keys="p reason\nq\n")
    assert "job.py(14)loud()" in done.stdout
    assert "(Pdb) 'bbb'" in done.stdout
    assert "ValueError: no b here" in done.stderr
    assert done.returncode == 1


def test_what_cannot_be_replayed_is_said(folder: Path) -> None:
    program = folder / "job.py"
    done = cauce("replay", folder / "counts", 7, program, folder)
    assert "Batch 7 cannot be replayed: the last batch that began is 4 (spark.sql.streaming" in done.stderr
    done = cauce("replay", folder / "elsewhere", 0, program, folder)
    seen = f"it started queries with: {folder}/all, {folder}/counts\n"
    assert (
        done.stderr
        == f"cauce replay: {program} started no query with the checkpoint {folder}/elsewhere; " + seen
    )
    offsets = (folder / "all" / "offsets" / "0").rename(folder / "all" / "offsets" / "kept")
    done = cauce("replay", folder / "all", 1, program, folder)
    assert "it begins where batch 0 ended, whose offsets are no longer retained" in done.stderr
    offsets.rename(folder / "all" / "offsets" / "0")
    (folder / "in" / "1.json").rename(folder / "gone.json")
    done = cauce("replay", folder / "counts", 1, program, folder)
    (folder / "gone.json").rename(folder / "in" / "1.json")
    assert done.returncode == 1
    assert "1.json" in done.stderr
