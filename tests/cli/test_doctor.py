"""`cauce doctor`: what it finds, and that a real problem shows in the exit code."""

import pytest

from cauce.cli import doctor
from cauce.cli.doctor import Finding


@pytest.mark.parametrize(
    ("levels", "exit_code", "verdict"),
    [(["ok", "note"], 0, "All well"), (["ok", "problem"], 1, "1 problem(s)")],
)
def test_only_a_problem_fails(
    levels: list,
    exit_code: int,
    verdict: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    findings = [Finding("check", level, "[seen]", "advice") for level in levels]
    monkeypatch.setattr(doctor, "CHECKS", [lambda finding=finding: finding for finding in findings])
    assert doctor.main([]) == exit_code
    printed = capsys.readouterr().out
    assert verdict in printed
    assert "[seen]" in printed
    assert "-> advice" in printed


@pytest.mark.parametrize("check", [check for check in doctor.CHECKS if not check.__name__.endswith("_query")])
def test_a_check_of_this_machine_finds_no_problem(check) -> None:
    assert check().level != "problem"


def test_pandas_3_is_a_problem_with_a_command_to_solve_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor.metadata, "version", lambda name: "3.0.1")
    finding = doctor.packages()
    assert finding.level == "problem"
    assert "pip install 'pandas>=2.2,<3'" in finding.advice


def test_a_folder_nobody_can_write_to_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor.tempfile, "gettempdir", lambda: "/absent")
    assert doctor.temporary_folder().level == "problem"


def test_a_failing_query_is_told_in_one_line() -> None:
    def fail() -> None:
        raise RuntimeError("first line\nsecond line")

    finding = doctor._timed("SQL", fail)
    assert (finding.level, finding.seen) == ("problem", "first line")
