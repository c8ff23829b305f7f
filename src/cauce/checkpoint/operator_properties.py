"""What a restart of a transformWithState is held to, kept beside its state in Spark's files and words.

`state/<operator>/_metadata/v2/<batch>` is written before the first batch that it holds for; only those
before a batch count for it, so that a batch that never happened binds nobody.
"""

import json
from typing import Any

from cauce.checkpoint.log_folder import LogFolder
from cauce.files import FileSystem

__all__ = ["OperatorProperties"]

VERSION = "v2"


class OperatorProperties:
    """What a restart of one operator of one checkpoint is held to."""

    def __init__(self, file_system: FileSystem, state_path: str, operator_id: int) -> None:
        self._operator_id = operator_id
        self._folder = LogFolder(file_system, f"{state_path}/{operator_id}/_metadata/{VERSION}")

    def before(self, batch_id: int) -> dict[str, Any] | None:
        """The properties that held for the batch before this one, None for an operator without any."""
        earlier = [number for number in self._folder.batch_ids() if number < batch_id]
        data = self._folder.read(str(earlier[-1])) if earlier else None
        if data is None:
            return None
        _, _, text = data.decode().partition("\n")
        return json.loads(json.loads(text)["operatorPropertiesJson"])

    def write(self, batch_id: int, operator_name: str, properties: dict[str, Any]) -> None:
        """What holds from this batch on; an attempt at the same batch that failed is replaced."""
        entry = {
            "operatorInfo": {"operatorId": self._operator_id, "operatorName": operator_name},
            "stateStoreInfo": [{"storeName": "default", "numColsPrefixKey": 0, "numPartitions": 1}],
            "operatorPropertiesJson": json.dumps(properties, separators=(",", ":")),
        }
        data = f"{VERSION}\n{json.dumps(entry, separators=(',', ':'))}".encode()
        if self._folder.read(str(batch_id)) != data:
            self._folder.delete(str(batch_id))
            self._folder.write(str(batch_id), data)
