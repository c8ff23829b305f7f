"""Arrow's compute functions, for type checkers too: pyarrow makes them when it is imported."""

from typing import Any, TypeAlias

import pyarrow as pa
import pyarrow.compute

__all__ = ["Column", "pc"]

pc: Any = pyarrow.compute

Column: TypeAlias = pa.ChunkedArray | pa.Array
"""A column in one piece or in several; most compute functions take either."""
