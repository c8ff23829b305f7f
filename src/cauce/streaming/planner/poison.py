"""Rows that make a fragment fail are found by halving its input, put aside, and it runs without them.

Only what fragments compute is narrowed: expressions, parsing, Python functions. They run before the state of
the operators above is touched, so a poison row never reaches it.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from cauce.errors import SparkError
from cauce.streaming.dead_letters import DeadLetter, DeadLetters, poison_rows, reason, record_text
from cauce.streaming.planner.nodes import Batch, FragmentNode, Rows
from cauce.streaming.planner.origin import source_row
from cauce.streaming.planner.pieces import Pieces
from cauce.streaming.sources.source import LocatesRows, MalformedRecord, Source

__all__ = ["PoisonRows"]

STEP_CHARACTERS_MAX = 500
"""Of the failing part of the plan, whose text can be long."""
ENGINE_FAULTS = ("INTERNAL_ERROR",)


class PoisonRows:
    """The dead letters of a query, and what is needed to say where each is from."""

    def __init__(self, letters: DeadLetters) -> None:
        self.letters = letters
        self.sources: Sequence[Source] = ()
        """Set once they are open: they report malformed records here."""
        self._ranges: Sequence[tuple[str | None, str | None]] = ()
        self._inputs: dict[int, tuple[Mapping[str, Rows], Batch] | Pieces] = {}
        """By fragment: what it got in this batch."""

    def begin_batch(
        self, batch_id: int, timestamp_ms: int, ranges: Sequence[tuple[str | None, str | None]]
    ) -> None:
        """What follows happens in this batch, in which each source has these offsets."""
        self.letters.begin_batch(batch_id, timestamp_ms)
        self._ranges, self._inputs = ranges, {}

    def add_malformed(self, index: int, malformed: MalformedRecord) -> None:
        """A record that the source with this number could not parse."""
        self._add(index, malformed.location, malformed.step, malformed.error, malformed.record)

    def rows(self, node: FragmentNode, inputs: Mapping[str, Rows], batch: Batch) -> pa.Table:
        """The fragment's rows without those that fail; the error if no row is to blame, or too many are."""
        self._inputs[id(node)] = (inputs, batch)
        try:
            return node.rows_of(inputs, batch)
        except SparkError as error:
            return self._rows_without(self._pieces(node), error)

    def _rows_without(self, pieces: Pieces, error: SparkError) -> pa.Table:
        if error.condition in ENGINE_FAULTS or _fails_without_rows(pieces, error):
            raise error

        def attempt(start: int, end: int) -> SparkError | None:
            try:
                pieces.run(start, end)
            except SparkError as failure:
                return failure
            return None

        bad = []
        for position, cause in poison_rows(0, pieces.row_count, error, attempt):
            bad.append(position)
            self._put_aside(pieces, position, cause)
        kept = self._inputs[id(pieces.node)] = pieces.without(bad)
        return kept.run(0, kept.row_count)

    def _put_aside(self, pieces: Pieces, position: int, error: SparkError) -> None:
        step = re.sub(r"\s+", " ", pieces.node.text)[:STEP_CHARACTERS_MAX]
        record = record_text(pieces.row(position))
        origin = source_row(pieces, position, self._pieces)
        if origin is None:
            self._add(None, {}, step, error, record)
            return
        index, row = origin
        self._add(index, self._location(index, row, pieces.batch), step, error, record)

    def _pieces(self, node: FragmentNode) -> Pieces:
        known = self._inputs[id(node)]
        if not isinstance(known, Pieces):
            inputs, batch = known
            known = self._inputs[id(node)] = Pieces.of(node, inputs, batch)
        return known

    def _location(self, index: int, row: int | None, batch: Batch) -> Mapping[str, Any]:
        source, rows = self.sources[index], batch.source_rows.get(index)
        if isinstance(source, LocatesRows):
            return source.locate(rows if isinstance(rows, pa.Table) else None, row)
        return {} if row is None else {"row": row}

    def _add(
        self, index: int | None, location: Mapping[str, Any], step: str, error: SparkError, record: str
    ) -> None:
        source = None if index is None else self.sources[index].description()
        start, end = (None, None) if index is None else self._ranges[index]
        error_class, message = reason(error)
        self.letters.add(DeadLetter(source, start, end, location, step, error_class, message, record))


def _fails_without_rows(pieces: Pieces, error: SparkError) -> bool:
    """Whether the same goes wrong without any row: then it is not the rows' fault."""
    nothing = {name: rows.slice(0, 0) for name, rows in pieces.tables.items()}
    try:
        pieces.batch.engine.run(pieces.node.template, nothing)
    except SparkError as failure:
        return str(failure) == str(error)
    return False
