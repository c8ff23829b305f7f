"""The program of docs/delta.md does what the page says."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = Path(__file__).resolve().parents[2] / "docs" / "delta.md"


def test_the_page_runs(tmp_path):
    pytest.importorskip("delta", reason="cauce install delta-client brings it")
    (program,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    (tmp_path / "page.py").write_text(program)
    command = [sys.executable, "-m", "cauce.cli.main", "run", "page.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert "|user_123| Ana|        6|" in done.stdout
    assert "|user_456|NULL|        1|" in done.stdout
    assert "update_preimage" in done.stdout
    assert "MERGE" in done.stdout
