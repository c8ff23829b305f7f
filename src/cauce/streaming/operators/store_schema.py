"""What a stateful operator says about one of its stores."""

from dataclasses import dataclass

import pyarrow as pa

__all__ = ["StoreSchema"]


@dataclass(frozen=True)
class StoreSchema:
    """What `StateStore.open` needs to know about one store."""

    key: pa.Schema
    value: pa.Schema
    event_time: str | None = None
    multi_row: bool = False
    prefix_columns: int = 0
