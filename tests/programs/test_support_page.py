"""The page about Spark says what the tests say; CAUCE_REWRITE=1 writes it."""

import os
from pathlib import Path

from support_page import page

PAGE = Path(__file__).parents[2] / "docs" / "spark-support.md"


def test_the_support_page_is_current() -> None:
    if os.environ.get("CAUCE_REWRITE"):
        PAGE.write_text(page())
    assert PAGE.read_text() == page(), "run CAUCE_REWRITE=1 make test-programs"
