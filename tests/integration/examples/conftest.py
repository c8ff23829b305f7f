"""The programs' answers are computed by a module that Apache Spark's interpreter imports as well."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent))
