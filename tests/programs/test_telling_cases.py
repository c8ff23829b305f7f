"""Every telling case has a program that ran on Apache Spark too."""

import json
from pathlib import Path

import pytest
from telling_cases import TELLING

GOLDENS = Path(__file__).parent / "goldens"


def test_all_forty_are_told() -> None:
    told = [number for cases in TELLING.values() for number in cases]
    assert sorted(told) == list(range(1, 41))
    assert all((GOLDENS / f"{program}.json").exists() for program in TELLING)


@pytest.mark.parametrize("program", [name for name in TELLING if name.startswith("telling_")])
def test_the_program_tells_its_cases(program: str) -> None:
    golden = json.loads((GOLDENS / f"{program}.json").read_text())
    assert {int(name.split()[0]) for name in golden} == set(TELLING[program])
