"""Sequences of item sets that occur in many sequences, in order.

PrefixSpan (Pei et al., https://doi.org/10.1109/ICDE.2001.914830), as MLlib's: a pattern grows by one item, in
a set of its own or in its last set, within the sequences that hold the pattern so far.
"""

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa
from pyspark.sql.types import ArrayType

from cauce.ml.columns import field_of, require
from cauce.ml.stage import Dataset

__all__ = ["find_patterns"]

Sets = list[tuple[int, ...]]
"""A sequence: sets of item numbers, ascending."""


@dataclass(frozen=True)
class _Place:
    """Where a sequence goes on after the pattern so far: after set number `after`.

    `partial` are the sets that contain the pattern's last set, so that their items may join it.
    """

    sequence: int
    after: int
    partial: tuple[int, ...]


def find_patterns(
    dataset: Dataset, support: float, length_max: int, projection_max: int, column: str
) -> pa.Table:
    """sequence and freq of all frequent patterns of at most `length_max` items.

    `projection_max` bounds memory in Spark; all work is local here.
    """
    kind = field_of(dataset.schema, column).dataType
    require(
        isinstance(kind, ArrayType) and isinstance(kind.elementType, ArrayType),
        f"The input column must be ArrayType and the array element type must also be ArrayType, but got "
        f"{kind.simpleString()}.",
    )
    rows = dataset.table([column]).column(0)
    sequences = [row for row in rows.to_pylist() if row is not None]
    least = math.ceil(support * len(sequences))
    counts = Counter(item for row in sequences for item in {item for items in row for item in items})
    names = [item for item, count in counts.most_common() if count >= least]
    numbers = {item: number for number, item in enumerate(names)}
    encoded = [
        [tuple(sorted({numbers[i] for i in items if i in numbers})) for items in row] for row in sequences
    ]
    found = list(_grown(encoded, least, length_max))
    patterns = [[[names[number] for number in items] for items in pattern] for pattern, _ in found]
    fields = [pa.field("sequence", rows.type, nullable=False), pa.field("freq", pa.int64(), nullable=False)]
    columns = [pa.array(patterns, rows.type), pa.array([count for _, count in found], pa.int64())]
    return pa.Table.from_arrays(columns, schema=pa.schema(fields))


def _grown(sequences: list[Sets], least: int, length_max: int) -> Iterator[tuple[Sets, int]]:
    """Depth first; a Python loop over places, as each sequence has its own shape."""
    start = [_Place(number, -1, ()) for number in range(len(sequences))]
    waiting: list[tuple[Sets, list[_Place]]] = [([], start)]
    while waiting:
        pattern, places = waiting.pop()
        if sum(map(len, pattern)) >= length_max:
            continue
        separate: Counter[int] = Counter()
        joining: Counter[int] = Counter()
        for place in places:
            sets = sequences[place.sequence]
            separate.update({item for items in sets[place.after + 1 :] for item in items})
            last = pattern[-1][-1] if pattern else -1
            joining.update({item for number in place.partial for item in sets[number] if item > last})
        longer = [([*pattern, (item,)], count) for item, count in separate.items() if count >= least]
        if pattern:
            longer += [
                ([*pattern[:-1], (*pattern[-1], item)], count)
                for item, count in joining.items()
                if count >= least
            ]
        for grown, count in longer:
            yield grown, count
            is_joined = len(grown) == len(pattern)
            waiting.append((grown, _projected(sequences, places, grown, is_joined=is_joined)))


def _projected(
    sequences: list[Sets], places: list[_Place], pattern: Sets, *, is_joined: bool
) -> list[_Place]:
    """The places after the pattern's last item."""
    item, found = pattern[-1][-1], []
    for place in places:
        sets = sequences[place.sequence]
        candidates = place.partial if is_joined else range(place.after + 1, len(sets))
        held = tuple(number for number in candidates if item in sets[number])
        if held:
            found.append(_Place(place.sequence, held[0], held))
    return found
