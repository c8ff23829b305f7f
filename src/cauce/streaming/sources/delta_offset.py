"""The Delta source's offset: a file's place in a table's history, spelled as Delta Lake spells it."""

import json
from dataclasses import dataclass
from typing import Any

from cauce.delta.errors import DeltaIllegalStateException
from cauce.delta.tail import BASE_INDEX

__all__ = ["DeltaOffset"]

SOURCE_VERSION = 1
NEWEST_SOURCE_VERSION = 3


@dataclass(frozen=True, order=True)
class DeltaOffset:
    """Up to and including the file at `index` of `version`; `is_initial` while the first snapshot is read."""

    version: int
    index: int
    is_initial: bool
    table_id: str

    def json_text(self) -> str:
        value = {
            "sourceVersion": SOURCE_VERSION,
            "reservoirId": self.table_id,
            "reservoirVersion": self.version,
            "index": self.index,
            "isStartingVersion": self.is_initial,
        }
        return json.dumps(value, separators=(",", ":"))

    @classmethod
    def parse(cls, text: str, table_id: str) -> "DeltaOffset":
        try:
            value: dict[str, Any] = json.loads(text)
            source_version = value["sourceVersion"]
            offset = cls(
                value["reservoirVersion"], value["index"], value["isStartingVersion"], value["reservoirId"]
            )
        except (ValueError, KeyError, TypeError):
            raise DeltaIllegalStateException("DELTA_INVALID_SOURCE_OFFSET_FORMAT") from None
        if source_version > NEWEST_SOURCE_VERSION:
            raise DeltaIllegalStateException(
                "DELTA_INVALID_FORMAT_FROM_SOURCE_VERSION",
                expectedVersion=NEWEST_SOURCE_VERSION,
                realVersion=source_version,
            )
        if source_version not in (SOURCE_VERSION, NEWEST_SOURCE_VERSION) or offset.index < BASE_INDEX:
            # Version 3 speaks of schema tracking, which needs column mapping.
            raise DeltaIllegalStateException("DELTA_INVALID_SOURCE_VERSION", version=source_version)
        if offset.table_id != table_id:
            raise DeltaIllegalStateException(
                "DIFFERENT_DELTA_TABLE_READ_BY_STREAMING_SOURCE",
                newTableId=table_id,
                oldTableId=offset.table_id,
            )
        return offset
