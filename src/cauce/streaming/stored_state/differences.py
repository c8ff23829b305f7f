"""What differs between the states after two batches, key by key."""

from collections import defaultdict
from dataclasses import dataclass
from typing import Any, Literal

import pyarrow as pa

from cauce.streaming.stored_state.versions import Version

__all__ = ["Difference", "differences"]


@dataclass(frozen=True)
class Difference:
    """One key: what it was and what it is; None is no row."""

    kind: Literal["added", "changed", "removed"]
    key: Any
    old: Any
    new: Any


def differences(old: Version, new: Version) -> list[Difference]:
    """In the order of the keys' text. Only rows that moved in the log are looked at, not the whole state."""
    before, after = _values(old, new.gone_since(old)), _values(new, old.gone_since(new))
    found = []
    for text in sorted(before.keys() | after.keys()):
        (key, was), (same_key, now) = before.get(text, (None, [])), after.get(text, (None, []))
        if was == now:  # compaction put the row elsewhere
            continue
        kind = "added" if not was else "changed" if now else "removed"
        found.append(Difference(kind, key if was else same_key, _one(was), _one(now)))
    return found


def _values(version: Version, rows: pa.Table) -> dict[str, tuple[Any, list[Any]]]:
    """Values by the text of their key: a person reads them, so there are few."""
    keys, values = version.layout.key_rows(rows).to_pylist(), version.layout.value_rows(rows).to_pylist()
    found: dict[str, tuple[Any, list[Any]]] = defaultdict(lambda: (None, []))
    for key, value in zip(keys, values, strict=True):
        text = repr(key)
        found[text] = (key, sorted([*found[text][1], value], key=repr))
    return found


def _one(values: list[Any]) -> Any:
    return None if not values else values[0] if len(values) == 1 else values
