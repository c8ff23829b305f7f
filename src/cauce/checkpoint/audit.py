"""`.cauce.audit/N`: who changed state by hand, when, what it was and what it became.

An entry is durable before the change counts, so nothing changes without a trace. It names the state before
and after: an interrupted change is one whose later state no commit refers to.
"""

from dataclasses import asdict, dataclass
from typing import Any

from cauce.checkpoint.damage import damaged_file, shown
from cauce.checkpoint.log_folder import LogFolder
from cauce.checkpoint.log_text import compact_json, json_object, log_bytes, log_lines
from cauce.files import FileSystem

__all__ = ["Audit", "AuditEntry"]

# Spark passes over hidden names.
NAME = ".cauce.audit"
RECORD = 'a line such as {"who":"ana@host","when":"2026-01-01T00:00:00+00:00","command":"set"}'


@dataclass(frozen=True)
class AuditEntry:
    """One change of one store after one batch; `rows` are {"key", "old", "new"}, null where there is none."""

    who: str
    when: str
    command: str
    batch_id: int
    operator_id: int
    store: str
    rows: list[dict[str, Any]]
    before: dict[str, Any]
    after: dict[str, Any]
    """References to the state, as they stand in the commit record."""


class Audit:
    """The entries of a checkpoint, in order."""

    def __init__(self, file_system: FileSystem, path: str) -> None:
        self.folder = LogFolder(file_system, f"{path}/{NAME}")

    def add(self, entry: AuditEntry) -> int:
        """Durable on return; its number."""
        number = max(self.folder.batch_ids(), default=-1) + 1
        self.folder.write(str(number), log_bytes(1, [compact_json(asdict(entry))]))
        return number

    def all(self) -> list[AuditEntry]:
        return [self._get(number) for number in self.folder.batch_ids()]

    def _get(self, number: int) -> AuditEntry:
        path, data = self.folder.path_of(str(number)), self.folder.read(str(number)) or b""
        _, lines = log_lines(path, data, 1)
        try:
            return AuditEntry(**json_object(path, lines[0] if lines else "", RECORD))
        except TypeError:
            raise damaged_file(path, RECORD, shown(data)) from None
