"""The script of this folder, importable by the name under which Apache Spark runs it."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent))
