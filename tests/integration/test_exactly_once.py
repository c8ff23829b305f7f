"""A foreachBatch into PostgreSQL that dies between the database's commit and the query's doubles nothing."""

import os
import subprocess
import sys
from pathlib import Path

from postgresql_server import DATABASE, PASSWORD, USER, PostgreSQLServer

EXAMPLE = Path(__file__).parents[2] / "examples" / "postgresql" / "revenue.py"
DYING = """
import os, runpy, sys
module = runpy.run_path({example!r})
save = module["save"]

def save_and_die(batch, batch_id, database):
    save(batch, batch_id, database)
    os._exit(9)

module["main"].__globals__["save"] = save_and_die
module["main"](*sys.argv[1:])
"""


def run(script: Path, *arguments: str) -> int:
    command = [sys.executable, "-m", "cauce.cli.main", "run", str(script), *arguments]
    environment = {key: value for key, value in os.environ.items() if key != "SPARK_REMOTE"}
    return subprocess.run(command, env=environment, timeout=120).returncode


def test_a_batch_that_was_committed_before_a_crash_is_not_added_again(
    postgresql: PostgreSQLServer, tmp_path: Path
) -> None:
    folder, checkpoint = tmp_path / "in", tmp_path / "checkpoint"
    folder.mkdir()
    database = f"postgresql://{USER}:{PASSWORD}@127.0.0.1:{postgresql.port}/{DATABASE}"
    dying = tmp_path / "dying.py"
    dying.write_text(DYING.format(example=str(EXAMPLE)))
    given = (str(folder), database, str(checkpoint))
    for turn in range(2):  # the second run repeats the first one's batch
        lines = '{"category": "fruit", "price": 1.25}\n{"category": "bread", "price": 2.00}\n'
        (folder / f"{turn}.json").write_text(lines)
        assert run(dying, *given) == 9
    assert run(EXAMPLE, *given) == 0
    assert sorted(postgresql.sql("SELECT category, revenue::float8 FROM revenue")) == [
        ("bread", 4.0),
        ("fruit", 2.5),
    ]
    assert postgresql.sql("SELECT id FROM batches ORDER BY id") == [(0,), (1,)]
