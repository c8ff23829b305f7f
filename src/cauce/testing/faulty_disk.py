"""A disk that crashes, fails, tears writes or loses power at a chosen operation.

    disk = FaultyDisk(crash_before=7)
    file_system = LocalFileSystem(disk)

Every change is one *operation*, counted from 0 in `len(disk.operations)`; reading is not counted.
Kinds: create, write, sync, link, rename, unlink, make_dir, remove_dir, sync_folder.

    disk.operations            what was asked for, as `Operation(kind, path, detail)`
    disk.golden(root)          the same as text lines: paths relative to `root`, uuids as `<uuid>`
    crash_before=k             SimulatedCrash instead of operation k
    crash_after=k              operation k is done, then SimulatedCrash
    torn_write=k               at the first write from operation k on: half the bytes, then SimulatedCrash
    fail=k, error=errno.EIO    operation k raises OSError(error); the disk works on (ENOSPC, EIO, ...)
    fail_syncs_from=k          every sync and sync_folder from operation k on raises OSError(EIO)
    only="/part/of/a/path"     count only operations on paths that contain this text
    kind="link"                count only operations of this kind

After a SimulatedCrash the process counts as dead: every further operation raises SimulatedCrash
again, so that no clean-up code of the "dead" process can touch the disk. SimulatedCrash is a
BaseException: code that catches Exception does not survive it.

    disk.lose_power()          drop everything not synced: file contents back to their last fsync,
                               names back to their folder's last fsync
    disk.lose_power(seed=3)    drop a random end of it: any prefix of the name changes may have made
                               it to the disk, and any prefix of an unsynced file

To recover, use a fresh disk (`LocalFileSystem()`) on the same folder. To try every point of a scenario:

    for k in range(count_operations(lambda disk: run(new_folder(), disk))):
        with pytest.raises(SimulatedCrash):
            run(folder, FaultyDisk(crash_before=k))

Files that were not written through this disk (by the engine, say) are taken as durable. Nothing here
calls fsync: whether a file survives is decided by `lose_power`, and a test need not wait for a real disk.
"""

import errno
import os
import random
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from cauce.files import Disk

__all__ = ["FaultyDisk", "Operation", "SimulatedCrash", "UnsyncedDisk", "count_operations"]

Result = TypeVar("Result")

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


class SimulatedCrash(BaseException):
    """The process dies here."""


class UnsyncedDisk(Disk):
    """Syncing costs nothing and does nothing: for tests whose machine never loses power."""

    def sync(self, descriptor: int) -> None:
        """The kernel will write it some day."""

    def sync_folder(self, path: str) -> None:
        """A missing folder is still an error."""
        os.stat(path)


@dataclass(frozen=True)
class Operation:
    """One change of the disk: `detail` is the byte count of a write, or the target of a link or rename."""

    kind: str
    path: str
    detail: str = ""

    def line(self, root: str) -> str:
        text = " ".join(part for part in (self.kind, self.path, self.detail) if part)
        return UUID.sub("<uuid>", text.replace(root.rstrip("/") + "/", "").replace(root, "."))


@dataclass
class Unsynced:
    """A name change that its folder's fsync has not made durable yet, and how to take it back."""

    folder: str
    undo: Callable[[], None]


class FaultyDisk(UnsyncedDisk):
    """See the module's text."""

    def __init__(self, **faults: Any) -> None:
        """Faults as `arm` takes them."""
        self.operations: list[Operation] = []
        self.crashed = False
        self._folders: set[str] = set()
        self._paths: dict[int, str] = {}
        self._synced_bytes: dict[tuple[int, int], int] = {}
        self._unsynced: list[Unsynced] = []
        self.arm(**faults)

    def arm(
        self,
        *,
        crash_before: int | None = None,
        crash_after: int | None = None,
        torn_write: int | None = None,
        fail: int | None = None,
        error: int = errno.EIO,
        fail_syncs_from: int | None = None,
        only: str = "",
        kind: str = "",
    ) -> None:
        """Replace the faults; operations are counted from 0 again."""
        self._crash_before = crash_before
        self._crash_after = crash_after
        self._torn_write = torn_write
        self._fail = fail
        self._error = error
        self._fail_syncs_from = fail_syncs_from
        self._only = only
        self._kind = kind
        self._counted = 0

    def golden(self, root: str) -> list[str]:
        return [operation.line(str(root)) for operation in self.operations]

    # The primitives

    def create(self, path: str) -> int:
        def act() -> int:
            descriptor = super(FaultyDisk, self).create(path)
            self._paths[descriptor] = path
            self._synced_bytes[_identity(os.fstat(descriptor))] = 0
            self._later(path, lambda: os.unlink(path))
            return descriptor

        return self._do(Operation("create", path), act)

    def write(self, descriptor: int, data: bytes | memoryview) -> None:
        operation = Operation("write", self._paths[descriptor], str(len(data)))
        if self._torn_write is not None and self._number(operation) >= self._torn_write and not self.crashed:
            self.operations.append(operation)
            super().write(descriptor, memoryview(data)[: len(data) // 2])
            self._crash()
        self._do(operation, lambda: super(FaultyDisk, self).write(descriptor, data))

    def sync(self, descriptor: int) -> None:
        def act() -> None:
            super(FaultyDisk, self).sync(descriptor)
            status = os.fstat(descriptor)
            self._synced_bytes[_identity(status)] = status.st_size

        self._do(Operation("sync", self._paths[descriptor]), act)

    def close(self, descriptor: int) -> None:
        super().close(descriptor)
        self._paths.pop(descriptor, None)

    def link(self, source: str, target: str) -> None:
        def act() -> None:
            super(FaultyDisk, self).link(source, target)
            self._later(target, lambda: os.unlink(target))

        self._do(Operation("link", source, target), act)

    def rename(self, source: str, target: str) -> None:
        def act() -> None:
            kept = self._content(target)
            super(FaultyDisk, self).rename(source, target)
            self._later(target, lambda: self._unrename(source, target, kept))

        self._do(Operation("rename", source, target), act)

    def unlink(self, path: str) -> None:
        def act() -> None:
            kept = self._content(path)
            super(FaultyDisk, self).unlink(path)
            if kept is not None:
                self._later(path, lambda: self._restore(path, kept))

        self._do(Operation("unlink", path), act)

    def make_dir(self, path: str, mode: int) -> None:
        def act() -> None:
            super(FaultyDisk, self).make_dir(path, mode)
            self._later(path, lambda: os.rmdir(path))

        self._do(Operation("make_dir", path), act)

    def remove_dir(self, path: str) -> None:
        def act() -> None:
            super(FaultyDisk, self).remove_dir(path)
            self._later(path, lambda: os.mkdir(path))

        self._do(Operation("remove_dir", path), act)

    def sync_folder(self, path: str) -> None:
        def act() -> None:
            super(FaultyDisk, self).sync_folder(path)
            self._unsynced = [change for change in self._unsynced if change.folder != path]

        self._do(Operation("sync_folder", path), act)

    # Power loss

    def lose_power(self, seed: int | None = None) -> None:
        """Leave on the disk what a machine without power would find."""
        chance = None if seed is None else random.Random(seed)
        kept = 0 if chance is None else chance.randint(0, len(self._unsynced))
        for change in reversed(self._unsynced[kept:]):
            _take_back(change)
        for folder in self._folders:
            for path in _files(folder):
                self._truncate(path, chance)
        self._unsynced.clear()

    def _truncate(self, path: str, chance: random.Random | None) -> None:
        status = os.stat(path)
        synced = self._synced_bytes.get(_identity(status), status.st_size)
        if synced < status.st_size:
            os.truncate(path, synced if chance is None else chance.randint(synced, status.st_size))

    def _unrename(self, source: str, target: str, kept: bytes | None) -> None:
        os.rename(target, source)
        if kept is not None:
            self._restore(target, kept)

    def _restore(self, path: str, content: bytes) -> None:
        with open(path, "xb") as file:
            file.write(content)
            # The new file may have got the number of one that is gone, and was never synced.
            self._synced_bytes[_identity(os.fstat(file.fileno()))] = len(content)

    def _later(self, path: str, undo: Callable[[], None]) -> None:
        folder = os.path.dirname(path)
        self._folders.add(folder)
        self._unsynced.append(Unsynced(folder, undo))

    def _content(self, path: str) -> bytes | None:
        """What a power loss brings back of a file that is about to lose its name."""
        if not os.path.isfile(path):
            return None
        status = os.stat(path)
        return self.read(path)[: self._synced_bytes.get(_identity(status), status.st_size)]

    # Faults

    def _number(self, operation: Operation) -> int:
        """The number this operation would get, or -1 when it is not one that counts."""
        here = self._only in operation.path or self._only in operation.detail
        return self._counted if here and self._kind in ("", operation.kind) else -1

    def _do(self, operation: Operation, act: Callable[[], Result]) -> Result:
        number = self._number(operation)
        if self.crashed or (number >= 0 and number == self._crash_before):
            self._crash()
        self.operations.append(operation)
        self._counted += number >= 0
        self._fail_if_due(operation, number)
        result = act()
        if number >= 0 and number == self._crash_after:
            self._crash()
        return result

    def _fail_if_due(self, operation: Operation, number: int) -> None:
        if number >= 0 and number == self._fail:
            raise OSError(self._error, os.strerror(self._error), operation.path)
        syncs = operation.kind in ("sync", "sync_folder")
        if syncs and self._fail_syncs_from is not None and number >= self._fail_syncs_from:
            raise OSError(errno.EIO, os.strerror(errno.EIO), operation.path)

    def _crash(self) -> None:
        self.crashed = True
        raise SimulatedCrash


def count_operations(scenario: Callable[[FaultyDisk], None]) -> int:
    """How many operations a scenario makes when nothing goes wrong: the crash points to try."""
    disk = FaultyDisk()
    scenario(disk)
    return len(disk.operations)


def _identity(status: os.stat_result) -> tuple[int, int]:
    return status.st_dev, status.st_ino


def _files(folder: str) -> list[str]:
    if not os.path.isdir(folder):
        return []
    return [entry.path for entry in os.scandir(folder) if entry.is_file(follow_symlinks=False)]


def _take_back(change: Unsynced) -> None:
    """A change that a later, already durable one made void is left."""
    try:
        change.undo()
    except (FileNotFoundError, FileExistsError):
        return
