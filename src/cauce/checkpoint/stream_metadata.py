"""The query's identity, made up when a checkpoint is first used and kept for ever."""

import uuid

from cauce.checkpoint.damage import damaged_file, shown
from cauce.checkpoint.log_folder import LogFolder
from cauce.checkpoint.log_text import compact_json, json_object
from cauce.files import FileSystem

__all__ = ["StreamMetadata"]

NAME = "metadata"
CONTENT = 'content such as {"id":"<uuid>"}'


class StreamMetadata:
    """The file `metadata` of a checkpoint."""

    def __init__(self, file_system: FileSystem, checkpoint_path: str) -> None:
        self.folder = LogFolder(file_system, checkpoint_path, private=True)

    def read(self) -> str | None:
        """The query's id, or None for a new checkpoint."""
        data = self.folder.read(NAME)
        if data is None:
            return None
        path = self.folder.path_of(NAME)
        query_id = json_object(path, data.decode(errors="replace"), CONTENT).get("id")
        if not isinstance(query_id, str):
            raise damaged_file(path, CONTENT, shown(data))
        return query_id

    def read_or_create(self) -> str:
        query_id = self.read()
        if query_id is None:
            query_id = str(uuid.uuid4())
            self.folder.write(NAME, compact_json({"id": query_id}).encode())
        return query_id
