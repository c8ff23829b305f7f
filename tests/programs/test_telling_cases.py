"""Every telling case has a program that ran on Apache Spark too."""

import json
from pathlib import Path

import pytest
from telling_cases import TELLING

GOLDENS = Path(__file__).parent / "goldens"
ELSEWHERE = {40}
"""transformWithState has programs of its own."""


def test_all_forty_are_told() -> None:
    told = [number for cases in TELLING.values() for number in cases]
    assert sorted([*told, *ELSEWHERE]) == list(range(1, 41))


@pytest.mark.parametrize("program", TELLING)
def test_the_program_tells_its_cases(program: str) -> None:
    golden = json.loads((GOLDENS / f"{program}.json").read_text())
    assert {int(name.split()[0]) for name in golden} == set(TELLING[program])
