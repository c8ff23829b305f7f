"""The program of docs/dead-letters.md does what the page says."""

import re
import subprocess
import sys
from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "docs" / "dead-letters.md"


def test_the_page_runs(tmp_path):
    (program,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    (tmp_path / "page.py").write_text(program)
    command = [sys.executable, "-m", "cauce.cli.main", "run", "page.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert "{'numDeadLetters': '1'}" in done.stdout
    assert (
        '|0      |ValueError|invalid literal for int() with base 10: \'two\'|{"value": "two"}|' in done.stdout
    )
    assert "|  1|" in done.stdout
