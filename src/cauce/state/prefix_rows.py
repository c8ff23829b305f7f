"""From the first columns of a key to the positions of all rows whose keys start with them, in memory only."""

import numpy as np

from cauce.state.multi_rows import MultiRows
from cauce.state.segment import NO_POSITIONS

__all__ = ["PrefixRows"]

STALE_ROWS_MAX = 4096
"""So many positions of dead rows may be carried along; beyond it, no more than there are live ones."""


class PrefixRows:
    """Only grows: positions of dead rows stay until the index is built anew, and readers leave them out.

    So a write costs what it writes, however many rows share its prefix.
    """

    def __init__(self, hashes: np.ndarray, positions: np.ndarray) -> None:
        self._rows = MultiRows(hashes, positions)
        self._size = len(positions)

    @property
    def memory_bytes(self) -> int:
        return self._rows.memory_bytes

    def put(self, hashes: np.ndarray, positions: np.ndarray) -> None:
        """Rows at new positions; those they replace are dead by then."""
        self._rows.put(hashes, positions)
        self._size += len(positions)

    def is_stale(self, num_live: int) -> bool:
        """Whether building it anew from the live rows is worth it."""
        return self._size > 2 * num_live + STALE_ROWS_MAX

    def find(self, hashes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Index into `hashes` and position of every row, dead ones included."""
        return self._rows.find_all(hashes) if len(hashes) else (NO_POSITIONS, NO_POSITIONS)
