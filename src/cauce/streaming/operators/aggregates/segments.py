"""Rows of a batch by group, and lists by row: what numpy needs to aggregate many groups at once."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

__all__ = ["Segments", "concat_lists"]


@dataclass(frozen=True)
class Segments:
    """Members in order of their group: `groups[i]` is the group of member i, counted from 0."""

    groups: np.ndarray
    members: pa.Array
    num_groups: int

    @classmethod
    def of(cls, lists: pa.ListArray) -> "Segments":
        """The members of each list, without nulls; a null list has none."""
        lengths = lists.value_lengths().fill_null(0).to_numpy(zero_copy_only=False)
        groups = np.repeat(np.arange(len(lists)), lengths)
        members = lists.flatten()
        if members.null_count:
            valid = members.is_valid()
            groups, members = groups[valid.to_numpy(zero_copy_only=False)], members.filter(valid)
        return cls(groups, members, len(lists))

    @property
    def counts(self) -> np.ndarray:
        return np.bincount(self.groups, minlength=self.num_groups)

    @property
    def offsets(self) -> np.ndarray:
        """The first member of each group, and the end."""
        return np.concatenate([[0], np.cumsum(self.counts)])

    def sums(self, values: np.ndarray) -> np.ndarray:
        """Per group, the sum of one double per member."""
        return np.bincount(self.groups, weights=values, minlength=self.num_groups)

    def take(self, column: pa.Array) -> "Segments":
        """The members as positions into a column, replaced by its values."""
        return Segments(self.groups, column.take(self.members), self.num_groups)

    def select(self, index: np.ndarray) -> "Segments":
        """Some members, in an order that keeps groups together."""
        return Segments(self.groups[index], self.members.take(pa.array(index)), self.num_groups)

    def lists(self) -> pa.ListArray:
        """The members again as one list per group; an empty group is an empty list."""
        offsets = pa.array(self.offsets.astype(np.int32))
        return pa.ListArray.from_arrays(offsets, self.members)


def concat_lists(old: pa.ListArray, new: pa.ListArray) -> pa.ListArray:
    """Row by row the members of `old`, then those of `new`; nulls among them are left out."""
    first, second = Segments.of(old), Segments.of(new)
    order = np.argsort(np.concatenate([first.groups, second.groups]), kind="stable")
    together = Segments(
        np.concatenate([first.groups, second.groups]),
        pa.concat_arrays([first.members, second.members]),
        first.num_groups,
    )
    return together.select(order).lists()
