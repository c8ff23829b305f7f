"""A program run by `cauce run` ends as it would under plain `python`."""

import subprocess
import sys
from pathlib import Path

import pytest

RUNNER = """
import sys
from cauce.cli.program import Program, run_program
sys.exit(run_program(Program(sys.argv[1], sys.argv[2])))
"""


def run(kind: str, target: str) -> subprocess.CompletedProcess[str]:
    """The runner alone, without a server: it has no part in this."""
    return subprocess.run([sys.executable, "-c", RUNNER, kind, target], capture_output=True, text=True)


@pytest.mark.parametrize(
    ("ending", "exit_code", "said"),
    [
        ("sys.exit(7)", 7, ""),
        ("sys.exit()", 0, ""),
        ("sys.exit('no input')", 1, "no input\n"),
        ("raise KeyboardInterrupt", 130, "\nInterrupted\n"),
    ],
)
def test_the_last_statement_gives_the_exit_code(ending: str, exit_code: int, said: str) -> None:
    done = run("code", f"import sys; {ending}")
    assert (done.returncode, done.stderr) == (exit_code, said)


def test_a_traceback_shows_the_program_alone(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text("def fail():\n    return {}['missing']\n\nfail()\n")
    done = run("script", str(program))
    assert done.returncode == 1
    assert done.stderr.splitlines()[0:2] == [
        "Traceback (most recent call last):",
        f'  File "{program}", line 4, in <module>',
    ]
    assert done.stderr.splitlines()[-1] == "KeyError: 'missing'"
    assert "cauce" not in done.stderr


def test_a_traceback_of_a_module_shows_the_module_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "job.py").write_text("1 / 0\n")
    monkeypatch.chdir(tmp_path)
    done = run("module", "job")
    assert done.stderr.splitlines()[1] == f'  File "{tmp_path}/job.py", line 1, in <module>'


def test_a_syntax_error_is_shown_as_python_shows_it(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text("x = (\n")
    done = run("script", str(program))
    assert done.returncode == 1
    assert done.stderr.startswith(f'  File "{program}", line 1')


def test_the_program_s_own_excepthook_is_used() -> None:
    done = run("code", "import sys; sys.excepthook = lambda kind, error, trace: print('mine', error); 1 / 0")
    assert (done.stdout, done.stderr, done.returncode) == ("mine division by zero\n", "", 1)


def test_a_script_imports_its_neighbours_and_is_main(tmp_path: Path) -> None:
    (tmp_path / "neighbour.py").write_text("ANSWER = 42\n")
    (tmp_path / "program.py").write_text(
        "import neighbour, __main__\nprint(neighbour.ANSWER, __main__.neighbour)\n"
    )
    done = run("script", str(tmp_path / "program.py"))
    assert done.stdout.startswith("42 <module 'neighbour'")


def test_threads_of_the_program_are_waited_for() -> None:
    code = "import threading; threading.Timer(0.05, lambda: print('timer')).start(); print('last line')"
    assert run("code", code).stdout == "last line\ntimer\n"
