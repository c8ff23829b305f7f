"""A disk without real fsyncs: tests whose power losses are simulated need none."""

from cauce.files import Disk
from tests.support.faulty_files import FaultyDisk

__all__ = ["FaultyUnsyncedDisk", "UnsyncedDisk"]


class UnsyncedDisk(Disk):
    """Syncing costs nothing and does nothing."""

    def sync(self, descriptor: int) -> None:
        pass

    def sync_folder(self, path: str) -> None:
        pass


class FaultyUnsyncedDisk(FaultyDisk, UnsyncedDisk):
    """Faults and simulated power loss as in FaultyDisk."""
