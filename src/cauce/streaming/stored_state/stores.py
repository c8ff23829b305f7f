"""The stores of a checkpoint by the names that Spark gives them."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal
from urllib.parse import quote

from cauce.checkpoint import Checkpoint, OperatorMetadata
from cauce.streaming.operators.layout import StoreLayout
from cauce.streaming.operators.layout_json import layout_of

__all__ = ["StoredStore", "View", "stores_of"]

View = Literal["rows", "side", "counts", "numbered"]
"""A store as it is; or of one side of a join: its rows, their number per key, the rows numbered per key."""

TRANSFORM_WITH_STATE = "transformWithState"
"""How the names of the operators begin that have state variables."""

VIEWS: dict[str, View] = {"keyToNumValues": "counts", "keyWithIndexToValue": "numbered"}


@dataclass(frozen=True)
class StoredStore:
    """A store that can be read: whose it is, what Spark calls it, and where cauce keeps it."""

    operator: OperatorMetadata
    name: str
    own_name: str
    layout: StoreLayout
    view: View

    @property
    def path(self) -> str:
        """Its folder below `state/`."""
        return f"{self.operator.operator_id}/{quote(self.own_name, safe='$')}"

    @property
    def is_variable(self) -> bool:
        """Whether it is a state variable, or the timers, of transformWithState."""
        return self.operator.operator_name.startswith(TRANSFORM_WITH_STATE)

    def side(self) -> "StoredStore":
        """A side of a join under cauce's own name, its rows as `joinSide` shows them."""
        return replace(self, name=self.own_name, view="side")


def stores_of(checkpoint: Checkpoint) -> Iterator[StoredStore]:
    """All stores, those of one operator together."""
    for operator in checkpoint.operators.all():
        layouts = {name: layout_of(record) for name, record in operator.layouts.items()}
        for store in operator.stores:
            own_name, _, part = store.name.partition("-")
            if store.name in layouts:
                yield StoredStore(operator, store.name, store.name, layouts[store.name], "rows")
            elif own_name in layouts and part in VIEWS:
                yield StoredStore(operator, store.name, own_name, layouts[own_name], VIEWS[part])
            elif operator.operator_name.startswith(TRANSFORM_WITH_STATE):
                for name, layout in layouts.items():
                    yield StoredStore(operator, name, name, layout, "rows")
