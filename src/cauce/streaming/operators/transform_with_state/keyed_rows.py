"""The rows of a batch, and of its initial state, side by side for each key."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from cauce.streaming.operators.aggregates.grouping import group_by
from cauce.streaming.operators.aggregates.rows import Request, Rows
from cauce.streaming.operators.keys import GroupKeys

__all__ = ["Input", "KeyedRows", "distinct_keys"]


@dataclass(frozen=True)
class Input:
    """Rows for the processor: `columns` are what it sees of them, `keys` what groups them."""

    columns: tuple[str, ...]
    keys: GroupKeys
    event_time: str | None = None

    def key_columns(self, flat: pa.Table) -> pa.Table:
        """The keys as the query knows them."""
        return pa.Table.from_arrays(self.keys.restore(flat), names=list(self.keys.names))


@dataclass(frozen=True)
class KeyedRows:
    """`rows` and `initial` in the order of `keys`; each key has as many as its lengths say."""

    keys: pa.Table
    rows: pa.Table
    lengths: np.ndarray
    initial: pa.Table | None
    initial_lengths: np.ndarray

    @classmethod
    def of(
        cls, rows: pa.Table, given: Input, initial: pa.Table | None, given_initial: Input | None
    ) -> "KeyedRows":
        """Group both by their keys, which are matched by position."""
        flat = given.keys.flatten(rows)
        if initial is not None and given_initial is not None:
            starts = given_initial.keys.flatten(initial).rename_columns(flat.column_names)
            flat = pa.concat_tables([flat, starts.cast(flat.schema)])
        keys, places = distinct_keys(flat)
        order = np.argsort(places, kind="stable")
        is_row = order < rows.num_rows
        starts_at = order[~is_row] - rows.num_rows
        return cls(
            keys,
            rows.select(given.columns).take(order[is_row]),
            np.bincount(places[: rows.num_rows], minlength=keys.num_rows),
            None
            if given_initial is None or initial is None
            else initial.select(given_initial.columns).take(starts_at),
            np.bincount(places[rows.num_rows :], minlength=keys.num_rows),
        )


def distinct_keys(flat: pa.Table) -> tuple[pa.Table, np.ndarray]:
    """The distinct keys as they first appear, and for each row the place of its key."""
    if not flat.num_rows:
        return flat, np.empty(0, dtype=np.int64)
    members = Request("position", "list")
    numbered = Rows(flat, {"position": pa.array(np.arange(flat.num_rows, dtype=np.int64))})
    keys, results = group_by(flat, numbered, [members])
    lists = results[members]
    places = np.empty(flat.num_rows, dtype=np.int64)
    places[lists.flatten().to_numpy()] = np.repeat(np.arange(len(lists)), lists.value_lengths().to_numpy())
    return keys, places
