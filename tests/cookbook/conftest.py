"""The recipes import each other's kitchen as scripts in one folder do."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[2] / "examples" / "cookbook"))
