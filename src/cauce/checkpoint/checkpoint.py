"""One query's checkpoint folder: its logs, where its state lives, and who owns it."""

import os
import socket
from urllib.parse import quote

from cauce.checkpoint.audit import Audit
from cauce.checkpoint.commit_log import CommitLog
from cauce.checkpoint.offset_log import OffsetLog
from cauce.checkpoint.operator_metadata import OperatorMetadataLog
from cauce.checkpoint.stream_metadata import StreamMetadata
from cauce.errors import ConcurrentModificationException
from cauce.files import FileSystem, LockedError, Ownership

__all__ = ["Checkpoint"]

# Spark passes over hidden names.
LOCK_NAME = ".cauce.lock"


class Checkpoint:
    """The layout of a checkpoint, spelled as Spark does; reading it needs no ownership, running does."""

    def __init__(self, file_system: FileSystem, path: str) -> None:
        self.file_system = file_system
        self.path = path
        self.metadata = StreamMetadata(file_system, path)
        self.offsets = OffsetLog(file_system, f"{path}/offsets")
        self.commits = CommitLog(file_system, f"{path}/commits")
        self.state_path = f"{path}/state"
        self.operators = OperatorMetadataLog(file_system, self.state_path)
        self.audit = Audit(file_system, path)
        self.sources_path = f"{path}/sources"
        self._lock: Ownership | None = None

    def source_path(self, index: int) -> str:
        """The metadata folder of the source that comes `index`-th in the plan."""
        return f"{self.sources_path}/{index}"

    def store_path(self, operator_id: int, name: str) -> str:
        """The folder of a store. State variables are named by the user, and no name leads out of it."""
        return f"{self.state_path}/{operator_id}/{quote(name, safe='$')}"

    def acquire(self) -> None:
        """Become the only run on this checkpoint: on this machine, or of all that share an object store.

        ConcurrentModificationException names who has it. Ownership ends with `release` or the process.
        """
        self.file_system.make_dirs(self.path, private=True)
        holder = f"process {os.getpid()} on {socket.gethostname()}"
        try:
            self._lock = self.file_system.lock(f"{self.path}/{LOCK_NAME}", holder)
        except LockedError as error:
            raise self._taken(error) from None

    def check_owned(self) -> None:
        """ConcurrentModificationException if the ownership that was taken is lost."""
        try:
            if self._lock is not None:
                self._lock.check()
        except LockedError as error:
            raise self._taken(error) from None

    @property
    def renewal_s(self) -> float | None:
        """How often `renew` must be called; None if ownership lasts by itself."""
        return None if self._lock is None else self._lock.renewal_s

    def renew(self) -> None:
        """ConcurrentModificationException if another run has the checkpoint now."""
        try:
            if self._lock is not None:
                self._lock.renew()
        except LockedError as error:
            raise self._taken(error) from None

    def _taken(self, error: LockedError) -> ConcurrentModificationException:
        return ConcurrentModificationException(
            "CONCURRENT_STREAM_LOG_UPDATE", batchId=f"{self.path}, which is in use by {error.holder}"
        )

    def release(self) -> None:
        """Let another run have it; harmless when not owned."""
        if self._lock is not None:
            self._lock.release()
            self._lock = None
