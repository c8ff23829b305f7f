"""Recipes by their name, loaded from their files: programs of other folders have the same names."""

import sys
from collections.abc import Callable
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest

COOKBOOK = Path(__file__).resolve().parents[2] / "examples" / "cookbook"


@pytest.fixture
def recipe_of() -> Callable[[str], ModuleType]:
    """The module of a recipe: `recipe_of("windows")`, `recipe_of("lakehouse/delta_sink")`."""
    return load


def load(name: str) -> ModuleType:
    spec = spec_from_file_location(name.replace("/", "_") + "_recipe", COOKBOOK / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    # Functions of the recipe are pickled by the name of their module.
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


# Recipes find it beside them when they are run as scripts.
sys.modules["kitchen"] = load("kitchen")
