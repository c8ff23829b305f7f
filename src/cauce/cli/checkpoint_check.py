"""`cauce checkpoint check`: the program runs up to its start(); its query is compared with the checkpoint."""

import atexit
import sys
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from cauce.cli import local
from cauce.cli.program import Program, run_program
from cauce.cli.tables import print_table

__all__ = ["check"]

USAGE_EXIT_CODE = 2


def check(script: str, path: str, arguments: Sequence[str]) -> int:
    """Exit code 0 if the program's query can continue, 1 if not, 2 if it starts no query there."""
    if not Path(script).exists():
        print(f"cauce checkpoint check: {script}: no such file", file=sys.stderr)
        return USAGE_EXIT_CODE
    from cauce.streaming.continuation import CHECK_ONLY, checked

    local.start({CHECK_ONLY: path})
    sys.excepthook = _quiet_after_the_answer
    run_program(Program("script", script, tuple(arguments)))
    atexit._run_exitfuncs()
    if not checked:
        print(f"{script} started no query whose checkpointLocation is {path}.", file=sys.stderr)
        return USAGE_EXIT_CODE
    print_table(f"{script} on {path}", ("", "about", "seen"), [(f.level, f.about, f.seen) for f in checked])
    problems = [finding for finding in checked if finding.level == "problem"]
    if problems:
        print("It cannot continue. Use a new checkpointLocation, or change the program back.")
        return 1
    print("It can continue.")
    return 0


def _quiet_after_the_answer(
    kind: type[BaseException], error: BaseException, traceback: TracebackType | None
) -> None:
    """What a program misses after a query that did not run is no news."""
    from cauce.streaming.continuation import checked

    if not checked:
        sys.__excepthook__(kind, error, traceback)
