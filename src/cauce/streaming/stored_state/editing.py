"""Changing state by hand: a new committed version of the last batch's state, audited, and reversible.

The commit record of the last batch gets another reference, in one atomic step. The state it referred to
before stays on disk until the query has run on, so a change can be taken back.
"""

import datetime
import getpass
import socket
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa

from cauce.checkpoint import AuditEntry, Checkpoint, CommitEntry
from cauce.errors import IllegalArgumentException
from cauce.state import StateOptions, StateStore
from cauce.streaming.stored_state.json_values import from_json, to_json
from cauce.streaming.stored_state.options import no_committed_batch
from cauce.streaming.stored_state.stores import StoredStore
from cauce.streaming.stored_state.views import key_type, value_type

__all__ = ["Change", "delete_row", "set_row", "take_back"]

JsonObject = Mapping[str, Any]


@dataclass(frozen=True)
class Change:
    """What was done: the batch whose state changed, the value before and after; None is no row."""

    batch_id: int
    old: Any
    new: Any


def set_row(checkpoint: Checkpoint, store: StoredStore, key: JsonObject, value: JsonObject) -> Change:
    """Give a key a value; fields that `value` does not name stay. The caller owns the checkpoint."""
    with _Edit(checkpoint, store, "set") as edit:
        keys = edit.keys(key)
        positions, old = edit.find(keys, key)
        if store.layout.multi_row and len(positions) != 1:
            raise IllegalArgumentException(
                None,
                f"{len(positions)} rows have this key in store {store.name}; only one can get a value. A "
                "join's rows and new sessions come from the query's input alone.",
            )
        new = edit.value({**(old or {}), **value})
        edit.put(keys, positions, new)
        return edit.commit(key, old, new)


def delete_row(checkpoint: Checkpoint, store: StoredStore, key: JsonObject) -> Change:
    """Forget a key, with all its rows if it has several. The caller owns the checkpoint."""
    with _Edit(checkpoint, store, "delete") as edit:
        keys = edit.keys(key)
        positions, old = edit.find(keys, key)
        if old is None:
            raise IllegalArgumentException(None, f"Store {store.name} has no key {dict(key)!r}.")
        edit.remove(keys, positions)
        return edit.commit(key, old, None)


def take_back(checkpoint: Checkpoint) -> AuditEntry:
    """Undo the last change by hand, unless the query has run on since. The caller owns the checkpoint."""
    batch_id, commit = _last_commit(checkpoint)
    entries = checkpoint.audit.all()
    current = [
        entry
        for entry in entries
        if (entry.batch_id, _reference(commit, entry)) == (batch_id, entry.after) and entry.command != "undo"
    ]
    if not current:
        raise IllegalArgumentException(
            None,
            f"Nothing to undo: batch {batch_id} is the last one, and its state is as the query left it. "
            "`cauce checkpoint rewind` goes back to an earlier batch.",
        )
    last = current[-1]
    rows = [{"key": row["key"], "old": row["new"], "new": row["old"]} for row in last.rows]
    entry = replace(last, **_stamp(), command="undo", rows=rows, before=last.after, after=last.before)
    checkpoint.audit.add(entry)
    _refer(checkpoint, batch_id, commit, entry)
    return entry


class _Edit:
    """The store of the last batch, open for one change."""

    def __init__(self, checkpoint: Checkpoint, store: StoredStore, command: str) -> None:
        self._checkpoint, self._stored, self._command = checkpoint, store, command
        self._batch_id, self._commit = _last_commit(checkpoint)
        operators = self._commit.state or {}
        self._before = operators.get(str(store.operator.operator_id), {}).get(store.own_name)
        layout = self._layout = store.layout
        self._store = StateStore.open(
            checkpoint.file_system,
            f"{checkpoint.state_path}/{store.path}",
            key_schema=layout.key_schema,
            value_schema=layout.value_schema,
            reference=self._before,
            event_time=layout.event_time,
            multi_row=layout.multi_row,
            options=StateOptions(allow_added_fields=True),
        )

    def __enter__(self) -> "_Edit":
        return self

    def __exit__(self, *_: object) -> None:
        self._store.close()

    def keys(self, key: JsonObject) -> pa.Table:
        """The one stored key."""
        kind = key_type(self._layout, "rows")
        shown = [part for part in self._layout.key if part.source.how != "nothing"]
        missing = [part.name for part in shown if part.name not in key]
        if missing:
            raise IllegalArgumentException(None, f"The key lacks {', '.join(missing)}; it is {kind}.")
        return self._layout.stored_keys(pa.array([from_json(key, kind, "key")], kind))

    def find(self, keys: pa.Table, key: JsonObject) -> tuple[np.ndarray, Any]:
        """Positions (of a store with several rows per key) and the value, or values, of a key."""
        layout = self._layout
        if not layout.multi_row:
            found, values = self._store.get(keys)
            return np.empty(0, np.int64), self._shown(keys, values) if found[0] else None
        _, positions = self._store.find_all(keys)
        rows = self._rows(keys.take([0] * len(positions)), self._store.read(positions))
        wanted = from_json(key, key_type(layout, "rows"), "key")
        same = np.array([shown == wanted for shown in layout.key_rows(rows).to_pylist()], dtype=bool)
        values = layout.value_rows(rows.filter(pa.array(same))).to_pylist() if len(same) else []
        positions = positions[same] if len(same) else positions
        return positions, (values[0] if len(values) == 1 else values or None)

    def value(self, value: JsonObject) -> pa.Array:
        kind = value_type(self._layout, "rows")
        plain = {name: to_json(inner) for name, inner in value.items()}
        return pa.array([from_json(plain, kind, "value")], kind)

    def put(self, keys: pa.Table, positions: np.ndarray, value: pa.Array) -> None:
        if self._layout.multi_row:
            old = self._store.read(positions)
            self._store.replace(positions, self._layout.stored_values(value, keys, old))
        else:
            old = self._store.get(keys)[1]
            self._store.put(keys, self._layout.stored_values(value, keys, old))

    def remove(self, keys: pa.Table, positions: np.ndarray) -> None:
        if self._layout.multi_row:
            self._store.discard(positions)
        else:
            self._store.remove(keys)

    def commit(self, key: JsonObject, old: Any, new: pa.Array | None) -> Change:
        """Durable: the segment, then the audit entry, then the commit record that makes both count."""
        after = self._store.commit()
        shown = None if new is None else new.to_pylist()[0]
        entry = AuditEntry(
            **_stamp(),
            command=self._command,
            batch_id=self._batch_id,
            operator_id=self._stored.operator.operator_id,
            store=self._stored.own_name,
            rows=[{"key": to_json(dict(key)), "old": to_json(old), "new": to_json(shown)}],
            before=self._before or {},
            after=after,
        )
        self._checkpoint.audit.add(entry)
        _refer(self._checkpoint, self._batch_id, self._commit, entry)
        return Change(self._batch_id, old, shown)

    def _rows(self, keys: pa.Table, values: pa.Table) -> pa.Table:
        return pa.table([*keys.columns, *values.columns], names=[*keys.column_names, *values.column_names])

    def _shown(self, keys: pa.Table, values: pa.Table) -> Any:
        return self._layout.value_rows(self._rows(keys, values)).to_pylist()[0]


def _last_commit(checkpoint: Checkpoint) -> tuple[int, CommitEntry]:
    latest = checkpoint.commits.latest()
    if latest is None:
        raise no_committed_batch(checkpoint)
    return latest


def _reference(commit: CommitEntry, entry: AuditEntry) -> Any:
    return (commit.state or {}).get(str(entry.operator_id), {}).get(entry.store)


def _refer(checkpoint: Checkpoint, batch_id: int, commit: CommitEntry, entry: AuditEntry) -> None:
    state = {number: dict(stores) for number, stores in (commit.state or {}).items()}
    state.setdefault(str(entry.operator_id), {})[entry.store] = entry.after
    checkpoint.commits.replace(batch_id, CommitEntry(commit.next_watermark_ms, state))


def _stamp() -> dict[str, str]:
    now = datetime.datetime.now(datetime.UTC)
    return {"who": f"{getpass.getuser()}@{socket.gethostname()}", "when": now.isoformat(timespec="seconds")}
