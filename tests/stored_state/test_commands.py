"""`cauce state` and `cauce checkpoint`, as docs/state.md shows them, and what they answer to mistakes."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from cauce.cli.main import main
from tests.stored_state.queries import add, continue_counts, counted, counts, writer

PAGE = Path(__file__).parents[2] / "docs" / "state.md"
TIMEOUT_S = 120


def cauce(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "cauce.cli.main", *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, timeout=TIMEOUT_S)


def test_the_page_about_state_is_true(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    page = PAGE.read_text()
    (program,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    (tmp_path / "count_words.py").write_text(program)
    lines = [line for block in re.findall(r"```sh\n(.*?)```", page, re.DOTALL) for line in block.splitlines()]
    output = ""
    for line in lines:
        _, command, *arguments = shlex.split(line)
        if command == "run" or arguments[0] == "check":  # those take the process for the program
            done = cauce(command, *arguments, cwd=tmp_path)
            assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
            output += done.stdout
        else:
            assert main([command, *arguments]) == 0, line
            output += capsys.readouterr().out
    for expected in (
        "|  ana|    3|",
        "stateStoreSave",
        "undo",
        "Batch 0 is the last one",
        "It can continue.",
    ):
        assert expected in output


def test_state_is_shown_with_its_stores(
    spark: SparkSession, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = str(continue_counts(spark, tmp_path, ["a", "ñ"], ["a"]))
    assert main(["state", "show", path, "--limit", "1"]) == 0
    shown = capsys.readouterr().out
    assert "operator0_default: stateStoreSave, after batch 1, 1 of 2 rows" in shown
    assert main(["state", "diff", path, "0", "1"]) == 0
    assert '{"count": 1} │ {"count": 2}' in capsys.readouterr().out
    assert main(["checkpoint", "show", path]) == 0
    assert "2 of 2 retained batches" in capsys.readouterr().out


def test_set_delete_undo_and_log(
    spark: SparkSession, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = continue_counts(spark, tmp_path, ["a", "b"])
    assert main(["state", "set", str(path), "--key", '{"value":"a"}', "--value", '{"count":7}']) == 0
    assert main(["state", "delete", str(path), "--key", '{"value":"b"}']) == 0
    assert counted(spark, path) == {"a": 7}
    assert main(["state", "undo", str(path)]) == 0
    assert counted(spark, path) == {"a": 7, "b": 1}
    capsys.readouterr()
    assert main(["state", "log", str(path)]) == 0
    log = capsys.readouterr().out
    assert all(word in log for word in ("set", "delete", "undo", '{"count": 7}'))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["state", "show", "{folder}/nowhere"], "does not exist"),
        (["state", "show", "{folder}/in"], "is no checkpoint. It is the folder given as checkpointLocation"),
        (["state", "show", "{checkpoint}", "--batch", "9"], "STDS_COMMITTED_BATCH_UNAVAILABLE"),
        (["state", "show", "{checkpoint}", "--store", "x"], "There are: --operator 0 --store default"),
        (["state", "show", "{checkpoint}", "--where", "nothing > 1"], "UNRESOLVED_COLUMN"),
        (["state", "sql", "{checkpoint}", "SELECT * FROM other"], "TABLE_OR_VIEW_NOT_FOUND"),
        (["checkpoint", "rewind", "{checkpoint}", "9"], "Batch 9 is not retained"),
        (["checkpoint", "copy", "{checkpoint}", "{folder}/in"], "is there already"),
    ],
)
def test_a_mistake_is_explained(
    spark: SparkSession,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    message: str,
) -> None:
    path = continue_counts(spark, tmp_path, ["a"])
    filled = [word.format(folder=tmp_path, checkpoint=path) for word in arguments]
    assert main(filled) == 1
    assert message in capsys.readouterr().err


def test_a_running_query_is_left_alone(
    spark: SparkSession, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    add(tmp_path / "in", "a")
    query = writer(counts(spark, tmp_path), tmp_path).start()
    query.processAllAvailable()
    path = str(tmp_path / "checkpoint")
    assert main(["state", "show", path]) == 0
    assert main(["state", "set", path, "--key", '{"value":"a"}', "--value", '{"count":7}']) == 1
    assert "Stop the query first" in capsys.readouterr().err
    assert main(["checkpoint", "rewind", path, "0"]) == 1
    assert "Stop the query first" in capsys.readouterr().err
    query.stop()


JOB = """
from pyspark.sql import SparkSession, functions as F
spark = SparkSession.builder.getOrCreate()
values = spark.readStream.schema("value string").json("in")
query = {query}
query.writeStream.format("noop").outputMode("update").option("checkpointLocation", "checkpoint").start()
spark.table("what_the_query_would_have_made").show()
"""


@pytest.mark.parametrize(
    ("query", "exit_code", "message"),
    [
        ('values.groupBy("value").count()', 0, "It can continue."),
        ('values.dropDuplicates(["value"])', 1, "OperatorName: dedupe"),
    ],
)
def test_check_says_whether_a_program_can_continue(
    spark: SparkSession, tmp_path: Path, query: str, exit_code: int, message: str
) -> None:
    path = continue_counts(spark, tmp_path, ["a"])
    before = sorted(p.name for p in path.rglob("*"))
    (tmp_path / "job.py").write_text(JOB.format(query=query))
    done = cauce("checkpoint", "check", "job.py", "checkpoint", cwd=tmp_path)
    assert done.returncode == exit_code, done.stdout + done.stderr
    assert message in done.stdout
    assert "Traceback" not in done.stderr
    assert sorted(p.name for p in path.rglob("*")) == before


def test_check_misses_a_program_without_such_a_query(spark: SparkSession, tmp_path: Path) -> None:
    continue_counts(spark, tmp_path, ["a"])
    (tmp_path / "job.py").write_text("print('no query')")
    done = cauce("checkpoint", "check", "job.py", "checkpoint", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "no query\n")
    assert "started no query whose checkpointLocation is checkpoint" in done.stderr
    assert cauce("checkpoint", "check", "none.py", "checkpoint", cwd=tmp_path).returncode == 2
