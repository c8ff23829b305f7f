"""Folders from which this folder's tests import by name."""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.extend(
    [str(HERE), str(HERE.parent / "programs"), str(HERE.parent / "planner"), str(HERE.parent / "functions")]
)
