"""The examples' programs import each other as scripts in one folder do."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
sys.path.insert(0, str(EXAMPLES / "shop"))


class Programs:
    """The modules of one folder, by name: `programs.etl`. Other folders have modules of the same names."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __getattr__(self, name: str) -> ModuleType:
        return import_module(name)


@contextmanager
def programs_of(folder: str) -> Iterator[Programs]:
    path = EXAMPLES / folder
    names = {each.stem for each in path.glob("*.py")}
    hidden = {name: sys.modules.pop(name) for name in names & sys.modules.keys()}
    sys.path.insert(0, str(path))
    try:
        yield Programs(path)
    finally:
        sys.path.remove(str(path))
        for name in names & sys.modules.keys():
            del sys.modules[name]
        sys.modules.update(hidden)


@pytest.fixture(scope="module")
def analytics() -> Iterator[Programs]:
    with programs_of("shop/analytics") as programs:
        yield programs


@pytest.fixture(scope="module")
def leads() -> Iterator[Programs]:
    with programs_of("leads") as programs:
        yield programs


@pytest.fixture(scope="module")
def taxi() -> Iterator[Programs]:
    with programs_of("taxi") as programs:
        yield programs
