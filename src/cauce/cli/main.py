"""The `cauce` command: reads the arguments and hands over to one command's module."""

import argparse
import sys
from collections.abc import Sequence

from cauce import __version__

__all__ = ["main", "parser"]

COMMANDS = {
    "run": "run a PySpark program in this process",
    "submit": "the same with the options of spark-submit",
    "server": "serve Spark Connect until stopped",
    "replay": "compute one batch of a checkpoint again, under a debugger if you like",
    "state": "see and change what a streaming query remembers",
    "checkpoint": "show, check, rewind and copy a query's checkpoint",
    "install": "add Delta Lake's own Python client to this environment",
    "doctor": "check this installation and say what to do next",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit code is the process's."""
    words = sys.argv[1:] if arguments is None else arguments
    command = parser().parse_args(words[:1]).command
    rest = words[1:]
    # Imported when chosen, so that `cauce --help` answers at once.
    if command == "run":
        from cauce.cli.run import main as run

        return run(rest)
    if command == "submit":
        from cauce.cli.spark_submit import submit

        return submit(rest)
    if command == "server":
        from cauce.cli.serve import main as serve

        return serve(rest)
    if command == "replay":
        from cauce.cli.replay import main as replay

        return replay(rest)
    if command == "state":
        from cauce.cli.state import main as state

        return state(rest)
    if command == "checkpoint":
        from cauce.cli.checkpoint import main as checkpoint

        return checkpoint(rest)
    if command == "install":
        from cauce.cli.install import main as install

        return install(rest)
    from cauce.cli.doctor import main as doctor

    return doctor(rest)


def parser() -> argparse.ArgumentParser:
    """The first word only; each command reads its own options."""
    listing = "\n".join(f"  {name:<10} {summary}" for name, summary in COMMANDS.items())
    root = argparse.ArgumentParser(
        prog="cauce",
        usage="cauce [--version] COMMAND [OPTIONS]",
        description="Unmodified PySpark, streaming included, in one process and without a JVM.",
        epilog=f"commands:\n{listing}\n\ncauce COMMAND --help explains one of them.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    root.add_argument("--version", action="version", version=f"cauce {__version__}")
    root.add_argument("command", choices=COMMANDS, metavar="COMMAND", help=argparse.SUPPRESS)
    return root


if __name__ == "__main__":
    sys.exit(main())
