"""The rows of one store after one batch, read from its segments without building an index."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from cauce.checkpoint import Checkpoint
from cauce.state import StateOptions
from cauce.state.row_log import RowLog
from cauce.state.segment_store import SegmentStore
from cauce.streaming.operators.layout import StoreLayout
from cauce.streaming.stored_state.options import no_committed_batch

__all__ = ["NOTHING", "Version", "references_of", "version_of"]

NOTHING: dict[str, Any] = {"version": 0, "file": None, "crc32": 0, "rows": 0}
READ_OPTIONS = StateOptions(allow_added_fields=True)
"""What was stored before a field was added is read with nulls there."""


@dataclass(frozen=True)
class Version:
    """A store as one commit left it."""

    layout: StoreLayout
    log: RowLog
    file: str | None
    """The segment that the commit wrote; the same as before if it changed nothing."""

    @property
    def rows(self) -> pa.Table:
        """Keys and values of the rows that live."""
        return self._table([(segment.name, ~segment.dead) for segment in self.log.segments])

    def written(self) -> pa.Table:
        """The rows that the commit put, without those that only moved, as far as they live."""
        chosen = []
        for segment in self.log.segments:
            if segment.name == self.file:
                alive = ~segment.dead
                alive[len(alive) - segment.rewritten :] = False
                chosen.append((segment.name, alive))
        return self._table(chosen)

    def head(self) -> pa.Table:
        """All living rows in the commit's own segment."""
        return self._table([(s.name, ~s.dead) for s in self.log.segments if s.name == self.file])

    def gone_since(self, older: "Version") -> pa.Table:
        """The rows of an older version that do not live in this one at their old place."""
        now = {segment.name: segment.dead for segment in self.log.segments}
        return older._table(
            [(s.name, ~s.dead & now.get(s.name, np.ones_like(s.dead))) for s in older.log.segments]
        )

    def _table(self, chosen: list[tuple[str, np.ndarray]]) -> pa.Table:
        segments = {segment.name: segment for segment in self.log.segments}
        schema = pa.schema([*self.layout.key_schema, *self.layout.value_schema])
        parts = []
        for name, mask in chosen:
            segment = segments[name]
            columns = [*segment.keys.columns, *segment.values.columns]
            rows = pa.Table.from_arrays(columns, schema=schema)
            parts.append(rows if mask.all() else rows.filter(pa.array(mask)))
        return pa.concat_tables(parts) if parts else schema.empty_table()


def version_of(
    checkpoint: Checkpoint, path: str, layout: StoreLayout, reference: Mapping[str, Any]
) -> Version:
    """The store below `state/` at `path`, such as `0/default`, as a commit's reference says."""
    segments = SegmentStore(
        checkpoint.file_system,
        f"{checkpoint.state_path}/{path}",
        layout.key_schema,
        layout.value_schema,
        expiry_column=None,
        options=READ_OPTIONS,
    )
    log, _ = segments.load(dict(reference))
    return Version(layout, log, reference["file"])


def references_of(checkpoint: Checkpoint, batch_id: int) -> dict[str, Any]:
    """What the commit of a batch says about state: operator to store to reference."""
    commit = checkpoint.commits.get(batch_id)
    if commit is None:
        raise no_committed_batch(checkpoint)
    return commit.state or {}
