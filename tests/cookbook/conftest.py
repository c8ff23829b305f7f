"""The recipes import each other's kitchen as scripts in one folder do."""

import sys
from pathlib import Path

COOKBOOK = Path(__file__).resolve().parents[2] / "examples" / "cookbook"
sys.path.extend([str(COOKBOOK), str(COOKBOOK / "lakehouse")])
