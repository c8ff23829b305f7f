"""What state objects share during one phase of a batch: its keys, the key at work, and the time."""

from dataclasses import dataclass, field

import pyarrow as pa

from cauce.errors import SparkError

__all__ = ["EAGER_ROWS_MAX", "EAGER_ROWS_PER_KEY", "Scope"]

EAGER_ROWS_PER_KEY = 64
EAGER_ROWS_MAX = 10_000
"""Lists and maps of all keys are read at once while they are short; long ones are read when asked for."""


@dataclass
class Scope:
    """`current` is the place in `keys` of the key whose rows or timer the processor handles now."""

    now_ms: int
    keys: pa.Table = field(default_factory=lambda: pa.table({}))
    current: int | None = None

    def key(self, name: str) -> int:
        """The current key's place, for state called `name`; there is none in init() and close()."""
        if self.current is None:
            raise SparkError(
                "INTERNAL_ERROR_TWS", message=f"Implicit key not found in state store for stateName={name}"
            )
        return self.current

    def is_eager(self, count: int) -> bool:
        """Whether this many rows are few enough to be read for all keys together."""
        return count <= EAGER_ROWS_MAX + EAGER_ROWS_PER_KEY * self.keys.num_rows
