"""`cauce run`: a PySpark program and the server it talks to, in one process."""

import argparse
import atexit
import os
import sys
from collections.abc import Mapping, Sequence

from cauce.cli.program import Program, run_program

__all__ = ["key_value", "main", "run_here"]

USAGE = "cauce run [--conf KEY=VALUE ...] (SCRIPT | -m MODULE | -c CODE) [ARGUMENTS ...]"
USAGE_EXIT_CODE = 2


def main(arguments: Sequence[str]) -> int:
    """The exit code of the program that the arguments name."""
    own, rest = _split(arguments)
    options = parser().parse_args(own)
    program = _program(options, rest)
    if program is None:
        parser().error("which program? Give a script, -m MODULE or -c CODE")
    if program.kind == "script" and not os.path.exists(program.target):
        print(f"cauce run: can't open file {program.target!r}: no such file or directory", file=sys.stderr)
        return USAGE_EXIT_CODE
    return run_here(program, dict(options.conf))


def parser() -> argparse.ArgumentParser:
    run = argparse.ArgumentParser(
        prog="cauce run",
        usage=USAGE,
        description="Runs a PySpark program in this process. Its SparkSession.builder needs no remote().",
    )
    run.add_argument("--conf", action="append", default=[], type=key_value, metavar="KEY=VALUE")
    run.add_argument("-m", metavar="MODULE", help="run a module, as python -m does")
    run.add_argument("-c", metavar="CODE", help="run this text, as python -c does")
    return run


def run_here(program: Program, settings: Mapping[str, str]) -> int:
    """Run `program` against a server in this process, which ends, with its queries, after the program."""
    from cauce.cli import local
    from cauce.cli.interruption import install_handlers

    install_handlers()
    local.start(settings)
    exit_code = run_program(program)
    # Clients and programs clean up in exit handlers, some through Spark. Python would run those when
    # (from 3.12 on) no thread can be started any more; here they still find everything working.
    atexit._run_exitfuncs()
    return exit_code


def _split(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """Our options, and what follows them: everything from the script on, or after -m and -c."""
    position = 0
    while position < len(arguments):
        word = arguments[position]
        if word in ("-m", "-c"):
            return list(arguments[: position + 2]), list(arguments[position + 2 :])
        if not word.startswith("-"):
            break
        position += 2 if word == "--conf" else 1
    return list(arguments[:position]), list(arguments[position:])


def _program(options: argparse.Namespace, rest: Sequence[str]) -> Program | None:
    if options.m is not None:
        return Program("module", options.m, tuple(rest))
    if options.c is not None:
        return Program("code", options.c, tuple(rest))
    return Program("script", rest[0], tuple(rest[1:])) if rest else None


def key_value(text: str) -> tuple[str, str]:
    """`spark.sql.x=1` as a pair; the value may hold further equal signs."""
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise argparse.ArgumentTypeError(f"expected KEY=VALUE, got {text!r}")
    return key, value
