"""What an operator says to one whose answers depend on rows that may be replaced."""

from dataclasses import dataclass

import pyarrow as pa

__all__ = ["Changes"]


@dataclass(frozen=True)
class Changes:
    """Rows that are true from now on, and rows given earlier that are true no more."""

    new: pa.Table
    withdrawn: pa.Table
