"""What one batch changed in a store: rows put, and keys that went.

Spark records every put and every removal. Here both follow from two versions of the store: rows in the
commit's own segment were put, unless compaction moved them there; rows that lived before and are not
replaced by those went. A row that is put and removed within a batch leaves no trace.
"""

import numpy as np
import pyarrow as pa

from cauce.streaming.stored_state.stores import View
from cauce.streaming.stored_state.versions import Version
from cauce.streaming.stored_state.views import identities, pairs, value_type

__all__ = ["changes_between"]

Changes = tuple[str, pa.Array, pa.Array]
"""`update` or `delete`, keys, values."""


def changes_between(old: Version, new: Version, view: View) -> list[Changes]:
    """The change feed of one batch."""
    if old.file == new.file:
        return []
    if view != "rows":
        return _view_changes(old, new, view)
    layout = new.layout
    gone = new.gone_since(old)
    replaced = np.isin(identities(layout, gone), identities(layout, new.head()))
    removed = gone.filter(pa.array(~replaced))
    keys = layout.key_rows(removed)
    return [
        ("update", *pairs(layout, view, new.written())),
        ("delete", keys, pa.nulls(len(keys), value_type(layout, view))),
    ]


def _view_changes(old: Version, new: Version, view: View) -> list[Changes]:
    """A derived store has no segments of its own: it is compared under the keys that the batch touched."""
    layout = new.layout
    touched = np.concatenate([identities(layout, new.gone_since(old)), identities(layout, new.head())])
    before, after = (_under(version, view, touched) for version in (old, new))
    updates = [(k, v) for k, v in after.values() if before.get(repr(k), (k, None))[1] != v]
    deletes = [k for text, (k, _) in before.items() if text not in after]
    new_keys, new_values = pairs(layout, view, new.rows.slice(0, 0))
    return [
        (
            "update",
            pa.array([k for k, _ in updates], new_keys.type),
            pa.array([v for _, v in updates], new_values.type),
        ),
        ("delete", pa.array(deletes, new_keys.type), pa.nulls(len(deletes), new_values.type)),
    ]


def _under(version: Version, view: View, touched: np.ndarray) -> dict[str, tuple[object, object]]:
    """Key and value by the key's text; only rows of touched keys become Python objects."""
    rows = version.rows
    mask = np.isin(identities(version.layout, rows), touched)
    keys, values = pairs(version.layout, view, rows.filter(pa.array(mask)))
    return {repr(k): (k, v) for k, v in zip(keys.to_pylist(), values.to_pylist(), strict=True)}
