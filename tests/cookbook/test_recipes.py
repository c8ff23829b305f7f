"""Every recipe gives on cauce what it gave on Apache Spark 4.2 (goldens/, recorded by `make spark`)."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from pyspark.sql import SparkSession

HERE = Path(__file__).parent
COOKBOOK = HERE.parents[1] / "examples" / "cookbook"
GOLDENS = HERE / "goldens"
LAKEHOUSE = sorted(p.stem for p in (COOKBOOK / "lakehouse").glob("*.py"))
RECIPES = sorted(p.stem for p in COOKBOOK.glob("*.py") if "\ndef recipe(" in p.read_text())
BEYOND_SPARK: dict[str, dict[str, Any]] = {
    # Spark refuses an exact distinct count on a stream.
    "unique_users": {"exactly": [["2026-01-01 10:00:00", "lamp", 3, 2]]},
}
"""Where a recipe shows what Spark cannot do, and says so."""


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_gives_what_spark_gives(
    spark: SparkSession, tmp_path: Path, recipe_of: Callable[[str], ModuleType], name: str
) -> None:
    spark.conf.set("spark.sql.session.timeZone", "UTC")
    spark.conf.set("spark.sql.shuffle.partitions", "1")
    answer = json.loads(json.dumps(recipe_of(name).recipe(spark, tmp_path), default=str))
    assert answer == json.loads((GOLDENS / f"{name}.json").read_text()) | BEYOND_SPARK.get(name, {})


@pytest.mark.parametrize("name", LAKEHOUSE)
def test_a_recipe_on_delta_tables(
    spark: SparkSession, tmp_path: Path, recipe_of: Callable[[str], ModuleType], name: str
) -> None:
    """Their answers are what the recipe's text promises; Apache Spark needs Delta's jars to cook them."""
    pytest.importorskip("delta.tables")
    spark.conf.set("spark.sql.session.timeZone", "UTC")
    answer = json.loads(json.dumps(recipe_of(f"lakehouse/{name}").recipe(spark, tmp_path), default=str))
    assert answer == json.loads((GOLDENS / "lakehouse" / f"{name}.json").read_text())


def test_the_contents_name_every_recipe() -> None:
    named = set(re.findall(r"\]\((?:lakehouse/)?(\w+)\.py\)", (COOKBOOK / "README.md").read_text()))
    assert named == {*RECIPES, *LAKEHOUSE, "kitchen"}
