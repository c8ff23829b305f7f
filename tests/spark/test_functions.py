"""Apache Spark still answers the examples of its function reference as recorded: every 41st of them.

CAUCE_REWRITE=1 asks and records all, which takes minutes. The cauce half is tests/functions.
"""

import json
import os
from pathlib import Path

from apache_spark import run_script

FOLDER = Path(__file__).parents[1] / "functions"
GOLDENS = FOLDER / "goldens.json"
EVERY = 41


def test_spark_answers_as_recorded(tmp_path: Path) -> None:
    goldens = json.loads(GOLDENS.read_text())
    rewrite = bool(os.environ.get("CAUCE_REWRITE"))
    asked = sorted(goldens) if rewrite else sorted(goldens)[::EVERY]
    (tmp_path / "queries.json").write_text(json.dumps(asked))
    run_script(FOLDER / "example_calls.py", tmp_path / "queries.json", tmp_path / "answers.json")
    found = json.loads((tmp_path / "answers.json").read_text())
    if rewrite:
        lines = [f"{dumped(query)}: {dumped(found[query])}" for query in asked]
        GOLDENS.write_text("{\n" + ",\n".join(lines) + "\n}\n")
    assert found == {query: goldens[query] for query in asked}


def dumped(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)
