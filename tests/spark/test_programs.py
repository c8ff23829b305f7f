"""Apache Spark still answers every program as its golden says; CAUCE_REWRITE=1 records the goldens.

The cauce half of the comparison is tests/programs and tests/planner, which need no Java.
"""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from apache_spark import run_script

TESTS = Path(__file__).parents[1]
PROGRAMS = sorted(p.stem for p in (TESTS / "programs").glob("*.py") if "\ndef run(" in p.read_text())
COOKBOOK = TESTS.parent / "examples" / "cookbook"
RECIPES = sorted(p.stem for p in COOKBOOK.glob("*.py") if "\ndef recipe(" in p.read_text())
UNSUPPORTED = TESTS / "planner" / "goldens" / "unsupported.json"
REWRITE = bool(os.environ.get("CAUCE_REWRITE"))


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """One Spark runs all programs: starting it takes longer than most of them."""
    out = tmp_path_factory.mktemp("spark") / "programs.json"
    run_script("run_programs.py", TESTS / "programs", out, *PROGRAMS)
    return json.loads(out.read_text())


@pytest.fixture(scope="module")
def dishes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The recipes of the cookbook, on one Spark."""
    out = tmp_path_factory.mktemp("spark") / "recipes.json"
    run_script("run_programs.py", COOKBOOK, out, *RECIPES)
    return json.loads(out.read_text())


@pytest.mark.parametrize("name", PROGRAMS)
def test_spark_answers_as_recorded(results: dict[str, Any], name: str) -> None:
    check(results[name], TESTS / "programs" / "goldens" / f"{name}.json")


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_gives_on_spark_what_is_recorded(dishes: dict[str, Any], name: str) -> None:
    check(dishes[name], TESTS / "cookbook" / "goldens" / f"{name}.json")


def check(answer: dict[str, Any], golden: Path) -> None:
    assert "error" not in answer, answer["error"]
    if REWRITE:
        golden.write_text(json.dumps(answer["result"], indent=1, sort_keys=True, ensure_ascii=False) + "\n")
    assert answer["result"] == json.loads(golden.read_text())


def test_spark_refuses_as_recorded(tmp_path: Path) -> None:
    out = tmp_path / "unsupported.json"
    run_script("run_unsupported.py", TESTS / "planner", out)
    if REWRITE:
        UNSUPPORTED.write_text(out.read_text())
    assert json.loads(out.read_text()) == json.loads(UNSUPPORTED.read_text())
