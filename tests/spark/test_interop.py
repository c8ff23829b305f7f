"""A query moves back and forth between Spark and cauce over one checkpoint and output, exactly once."""

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from apache_spark import run_script
from pyspark.sql import SparkSession
from run_turn import turn

TURNS = 6
FILES_PER_TURN = 3
ROWS_PER_FILE = 4


@pytest.mark.parametrize("first", ["spark", "cauce"])
def test_a_query_alternates_between_spark_and_cauce(spark: SparkSession, tmp_path: Path, first: str) -> None:
    (tmp_path / "in").mkdir()
    for number in range(TURNS):
        add_files(tmp_path / "in", number)
        if (number % 2 == 0) == (first == "spark"):
            run_script("run_turn.py", tmp_path)
        else:
            turn(spark, tmp_path)
    expected = [n for n in range(TURNS * FILES_PER_TURN * ROWS_PER_FILE) if n % 5]
    assert written_ids(tmp_path / "out") == expected
    assert sorted(row.id for row in spark.read.parquet(str(tmp_path / "out")).collect()) == expected
    assert len(list((tmp_path / "checkpoint" / "commits").glob("[0-9]*"))) == TURNS * 2


def add_files(folder: Path, turn_number: int) -> None:
    for file_number in range(FILES_PER_TURN):
        start = (turn_number * FILES_PER_TURN + file_number) * ROWS_PER_FILE
        lines = [json.dumps({"id": n, "name": f"n{n}"}) for n in range(start, start + ROWS_PER_FILE)]
        (folder / f"{turn_number}-{file_number}.json").write_text("\n".join(lines) + "\n")


def written_ids(out: Path) -> list[int]:
    """The ids in all files that the sink's log names: what an exactly-once reader sees."""
    logged: dict[str, None] = {}
    log = out / "_spark_metadata"
    for entry in log.iterdir():
        if not entry.name.startswith("."):
            for line in entry.read_text().splitlines()[1:]:
                logged[Path(json.loads(line)["path"].removeprefix("file://")).name] = None
    return sorted(n for name in logged for n in pq.read_table(out / name)["id"].to_pylist())
