"""What the client asks of Spark's helper object: saving over a folder, models of vocabularies, tests."""

from collections.abc import Callable
from typing import Any

from cauce.files import open_file_system
from cauce.ml.functions import FUNCTIONS

__all__ = ["HELPER"]


def handle_overwrite(path: str, should_overwrite: bool) -> bool:
    """Remove what a stage will be saved over."""
    files, folder = open_file_system(path)
    if should_overwrite and files.exists(folder):
        files.delete_tree(folder)
    return True


HELPER: dict[str, Callable[..., Any]] = {"handleOverwrite": handle_overwrite, **FUNCTIONS}
"""By Spark's name. Arguments are values, and a Dataset for a DataFrame; a pa.Table is a DataFrame."""
