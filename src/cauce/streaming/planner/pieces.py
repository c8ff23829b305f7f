"""The rows a fragment gets in a batch as one range of positions, of which any part can be computed."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from cauce.streaming.planner.nodes import Batch, FragmentNode, Node, Rows, SourceNode, table
from cauce.streaming.sources.scan import read_scan

__all__ = ["Pieces"]


@dataclass(frozen=True)
class Pieces:
    """The inputs one after the other, without the rows put aside."""

    node: FragmentNode
    batch: Batch
    tables: Mapping[str, pa.Table]
    positions: Mapping[str, np.ndarray | None]
    """Where each row was in what the input node gave; None if nobody knows the order that was."""

    @staticmethod
    def of(node: FragmentNode, inputs: Mapping[str, Rows], batch: Batch) -> "Pieces":
        """Everything the fragment got; scans are read now."""
        read = {name: _read(node.inputs[name], rows, batch) for name, rows in inputs.items()}
        tables = {name: rows for name, (rows, _) in read.items()}
        positions = {name: np.arange(rows.num_rows) if kept else None for name, (rows, kept) in read.items()}
        return Pieces(node, batch, tables, positions)

    @property
    def row_count(self) -> int:
        return sum(rows.num_rows for rows in self.tables.values())

    def run(self, start: int, end: int) -> pa.Table:
        """What the fragment makes of these rows alone."""
        parts, before = {}, 0
        for name, rows in self.tables.items():
            first, last = (min(max(edge - before, 0), rows.num_rows) for edge in (start, end))
            parts[name] = rows.slice(first, last - first)
            before += rows.num_rows
        return self.node.rows_of(parts, self.batch)

    def row(self, position: int) -> pa.Table:
        """One row as the fragment gets it."""
        name, row = self._place(position)
        return self.tables[name].slice(row, 1)

    def given_by(self, position: int) -> tuple[Node, int | None]:
        """The input node of a row, and the row's position in what that node gave."""
        name, row = self._place(position)
        positions = self.positions[name]
        return self.node.inputs[name], None if positions is None else int(positions[row])

    def without(self, bad: Iterable[int]) -> "Pieces":
        """The other rows."""
        places = [self._place(position) for position in bad]
        tables, positions = {}, {}
        for name, rows in self.tables.items():
            left = np.delete(np.arange(rows.num_rows), [row for part, row in places if part == name])
            known = self.positions[name]
            tables[name] = rows.take(pa.array(left))
            positions[name] = None if known is None else known[left]
        return Pieces(self.node, self.batch, tables, positions)

    def _place(self, position: int) -> tuple[str, int]:
        for name, rows in self.tables.items():
            if position < rows.num_rows:
                return name, position
            position -= rows.num_rows
        raise IndexError(position)


def _read(node: Node, rows: Rows, batch: Batch) -> tuple[pa.Table, bool]:
    """The rows, and whether they are in the order of the node's own."""
    if isinstance(rows, pa.Table):
        return rows, True
    wanted = node.empty.schema if isinstance(node, SourceNode) else None
    found = None if wanted is None else read_scan(rows, wanted)
    return (table(node, batch), False) if found is None else (found, True)
