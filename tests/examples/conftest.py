"""The shop's programs import each other as scripts in one folder do."""

import sys
from pathlib import Path

SHOP = Path(__file__).resolve().parents[2] / "examples" / "shop"
sys.path.insert(0, str(SHOP))
