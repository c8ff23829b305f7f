"""The suite that users copy and the page that explains it pass as they stand."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def run_pytest(folder: Path) -> str:
    command = [sys.executable, "-m", "pytest", "-p", "cauce.pytest_plugin", "-p", "no:cacheprovider", "."]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_suite_to_copy_passes(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "examples" / "testing", tmp_path / "suite")
    assert "13 passed" in run_pytest(tmp_path / "suite")


def test_the_code_of_the_page_passes(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "testing.md").read_text()
    code = "\n".join(re.findall(r"```python\n(.*?)```", page, re.DOTALL))
    (tmp_path / "test_page.py").write_text(code)
    assert "3 passed" in run_pytest(tmp_path)
