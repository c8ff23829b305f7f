"""Runs a user's program as `__main__` in this process and reports its end as Python itself would."""

import runpy
import sys
import threading
import types
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

__all__ = ["Program", "execute", "print_error", "run_program"]

INTERRUPTED_EXIT_CODE = 130
"""128 + SIGINT, what a shell reports for a program ended by Ctrl-C."""

RUNNER_FILES = frozenset({__file__, runpy.__file__, "<frozen runpy>"})
OWN_THREAD_PREFIXES = ("cauce", "ThreadPoolExecutor-")
"""Server threads, and pool workers that Python itself ends: nobody waits for those."""


@dataclass(frozen=True)
class Program:
    """What to run: a script's path, a module's name or a piece of code, and its arguments."""

    kind: Literal["script", "module", "code"]
    target: str
    arguments: tuple[str, ...] = ()


def run_program(program: Program) -> int:
    """Run to the end, threads included; print an uncaught error as Python does; the exit code."""
    try:
        try:
            execute(program)
        finally:
            _wait_for_threads()
    except SystemExit as exit_request:
        return _exit_code(exit_request.code)
    except KeyboardInterrupt:
        print("\nInterrupted", file=sys.stderr)
        return INTERRUPTED_EXIT_CODE
    except BaseException as error:  # Whatever the program raised ends it, as in Python
        print_error(error)
        return 1
    return 0


def print_error(error: BaseException) -> None:
    """The traceback as Python shows it, beginning in the program."""
    shown = error.with_traceback(_user_frames(error.__traceback__))
    sys.excepthook(type(shown), shown, shown.__traceback__)


def execute(program: Program) -> None:
    """Run as `__main__`; whatever the program raises passes through."""
    EXECUTE[program.kind](program)


def _run_script(program: Program) -> None:
    path = Path(program.target)
    sys.argv = [program.target, *program.arguments]
    if path.is_dir() or path.suffix in (".zip", ".egg", ".pyz"):
        runpy.run_path(program.target, run_name="__main__")
        return
    sys.path[0] = str(path.resolve().parent)
    # The module stays in sys.modules after the last line, because running queries still use its functions.
    code = compile(path.read_bytes(), program.target, "exec")
    exec(code, _new_main(file=program.target).__dict__)


def _run_module(program: Program) -> None:
    sys.argv = ["-m", *program.arguments]
    sys.path[0] = str(Path.cwd())
    runpy.run_module(program.target, run_name="__main__", alter_sys=True)


def _run_code(program: Program) -> None:
    sys.argv = ["-c", *program.arguments]
    sys.path[0] = ""
    exec(compile(program.target, "<string>", "exec"), _new_main().__dict__)


EXECUTE: dict[str, Callable[[Program], None]] = {
    "script": _run_script,
    "module": _run_module,
    "code": _run_code,
}


def _new_main(file: str | None = None) -> types.ModuleType:
    main = types.ModuleType("__main__")
    main.__builtins__ = __builtins__  # pyright: ignore[reportAttributeAccessIssue]
    if file is not None:
        main.__file__ = file
    sys.modules["__main__"] = main
    return main


def _wait_for_threads() -> None:
    """Python waits for the program's non-daemon threads; the server must live that long too."""
    for thread in threading.enumerate():
        ours = thread.daemon or thread.name.startswith(OWN_THREAD_PREFIXES)
        if not ours and thread is not threading.main_thread():
            thread.join()


def _exit_code(code: object) -> int:
    if code is None:
        return 0
    if isinstance(code, int):
        return code
    print(code, file=sys.stderr)
    return 1


def _user_frames(traceback: types.TracebackType | None) -> types.TracebackType | None:
    while traceback is not None and traceback.tb_frame.f_code.co_filename in RUNNER_FILES:
        traceback = traceback.tb_next
    return traceback
