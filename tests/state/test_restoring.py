"""A large state says that it is being read back, on a terminal and nowhere else."""

import io
import sys

import pytest

from cauce.state.restoring import ROWS_SHOWN_MIN, restoring


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("terminal", "rows", "shown"),
    [
        (Terminal(), ROWS_SHOWN_MIN, "Restoring 1,000,000 rows of state/0/default"),
        (Terminal(), ROWS_SHOWN_MIN - 1, ""),
        (io.StringIO(), ROWS_SHOWN_MIN, ""),
    ],
)
def test_the_line_is_for_people_who_wait(
    monkeypatch: pytest.MonkeyPatch, terminal: io.StringIO, rows: int, shown: str
) -> None:
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("COLUMNS", "200")
    with restoring("state/0/default", rows) as advance:
        advance(rows)
    assert shown in terminal.getvalue()
    assert bool(shown) == bool(terminal.getvalue())
