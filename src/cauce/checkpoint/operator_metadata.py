"""`state/<operator>/_metadata/metadata`: what a stateful operator is called and which stores it has.

Version 1 of Apache Spark's file, so that Spark's `state-metadata` source lists the stores of a cauce
checkpoint; one more key, which Spark passes over, says how the stores read.
"""

import re
from dataclasses import dataclass, field
from typing import Any

from cauce.checkpoint.damage import damaged_file, shown
from cauce.checkpoint.log_folder import LogFolder
from cauce.checkpoint.log_text import compact_json, json_object, log_bytes, log_lines
from cauce.files import FileSystem

__all__ = ["OperatorMetadata", "OperatorMetadataLog", "SparkStore"]

NAME = "metadata"
LAYOUTS_KEY = "cauceStores"
OPERATOR_ID = re.compile(r"0|[1-9][0-9]*")
RECORD = 'a line such as {"operatorInfo":{"operatorId":0,"operatorName":"dedupe"},"stateStoreInfo":[]}'


@dataclass(frozen=True)
class SparkStore:
    """A store as Spark counts them: an operator of cauce may keep several in one of its own."""

    name: str
    prefix_key_columns: int = 0
    partitions: int = 1


@dataclass(frozen=True)
class OperatorMetadata:
    """One operator. `layouts` tells, by the name of each of cauce's own stores, how its columns read."""

    operator_id: int
    operator_name: str
    stores: tuple[SparkStore, ...]
    layouts: dict[str, Any] = field(default_factory=dict)


class OperatorMetadataLog:
    """The metadata of all operators of a checkpoint."""

    def __init__(self, file_system: FileSystem, state_path: str) -> None:
        self._file_system, self._state_path = file_system, state_path

    def all(self) -> list[OperatorMetadata]:
        """Operators in the order of their numbers."""
        names = [name for name in self._file_system.names(self._state_path) if OPERATOR_ID.fullmatch(name)]
        found = (self.get(int(name)) for name in sorted(names, key=int))
        return [operator for operator in found if operator is not None]

    def get(self, operator_id: int) -> OperatorMetadata | None:
        folder = self._folder(operator_id)
        data = folder.read(NAME)
        return None if data is None else decode(folder.path_of(NAME), data)

    def put(self, operator: OperatorMetadata) -> None:
        """Durable on return; writes nothing if the file says so already."""
        folder, data = self._folder(operator.operator_id), encode(operator)
        if folder.read(NAME) != data:
            folder.overwrite(NAME, data)

    def remove(self, operator_id: int) -> None:
        """Forget an operator that never committed anything."""
        self._folder(operator_id).delete(NAME)

    def _folder(self, operator_id: int) -> LogFolder:
        return LogFolder(self._file_system, f"{self._state_path}/{operator_id}/_metadata")


def encode(operator: OperatorMetadata) -> bytes:
    record = {
        "operatorInfo": {"operatorId": operator.operator_id, "operatorName": operator.operator_name},
        "stateStoreInfo": [
            {
                "storeName": store.name,
                "numColsPrefixKey": store.prefix_key_columns,
                "numPartitions": store.partitions,
            }
            for store in operator.stores
        ],
        LAYOUTS_KEY: operator.layouts,
    }
    return log_bytes(1, [compact_json(record)])


def decode(path: str, data: bytes) -> OperatorMetadata:
    _, lines = log_lines(path, data, 1)
    record = json_object(path, lines[0] if lines else "", RECORD)
    try:
        info, stores = record["operatorInfo"], record["stateStoreInfo"]
        found = [SparkStore(s["storeName"], s["numColsPrefixKey"], s["numPartitions"]) for s in stores]
        return OperatorMetadata(
            info["operatorId"], info["operatorName"], tuple(found), record.get(LAYOUTS_KEY, {})
        )
    except (KeyError, TypeError):
        raise damaged_file(path, RECORD, shown(data)) from None
