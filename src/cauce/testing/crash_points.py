"""The moments at which a run can die, from the disk operations of a run that did not.

A *part* is a stretch of operations on one file of the checkpoint or on the sink's files, such as `offsets/2`.
Between the last operation of one part and the first of the next lies what happens in memory: computing,
and the call of a sink that does not write through cauce's disk.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from cauce.testing.faulty_disk import Operation

__all__ = ["CrashPoint", "crash_points", "every_operation"]

FILE = re.compile(r"/(?:(state/\d+)/|(?:(offsets|commits|sources/\d+)/)?\.?([^/.]+))")


@dataclass(frozen=True)
class CrashPoint:
    """Where a run dies: the fault of `FaultyDisk` that does it, and what to call it."""

    name: str
    fault: dict[str, Any] = field(hash=False)
    power_loss: bool = False

    def __str__(self) -> str:
        return self.name + (" with power loss" if self.power_loss else "")


def crash_points(operations: Sequence[Operation], checkpoint: str) -> list[CrashPoint]:
    """Before, halfway through and after every part: the commit points of each batch."""
    parts = parts_of(operations, checkpoint)
    points = []
    written: set[str] = set()
    for k, (operation, part) in enumerate(zip(operations, parts, strict=True)):
        if k == 0 or part != parts[k - 1]:
            written.clear()
            given = f" (the sink has batch {part[8:]})" if part.startswith("commits/") else ""
            points.append(CrashPoint(f"right before {part} is written{given}", {"crash_before": k}))
        if operation.kind == "write" and part not in written:
            written.add(part)
            points.append(CrashPoint(f"halfway through writing {part}", {"torn_write": k}))
        if k + 1 == len(parts) or part != parts[k + 1]:
            # What is written must be durable by now, so here the machine dies too.
            points.append(CrashPoint(f"right after {part} was written", {"crash_after": k}, power_loss=True))
    return points


def every_operation(operations: Sequence[Operation], checkpoint: str) -> list[CrashPoint]:
    """Before every operation of the disk, and halfway through every write."""
    folder = checkpoint.rpartition("/")[0]
    points = []
    for k, operation in enumerate(operations):
        line = operation.line(folder)
        points += _both(f"before operation {k}: {line}", {"crash_before": k})
        if operation.kind == "write":
            points += _both(f"halfway through operation {k}: {line}", {"torn_write": k})
    return points


def parts_of(operations: Sequence[Operation], checkpoint: str) -> list[str]:
    """The part of each operation: new folders belong to what comes next, synced ones to what came before."""
    parts: list[str] = []
    folders, batch = 0, "0"
    for operation in operations:
        if operation.kind == "make_dir" or (operation.kind == "sync_folder" and (folders or not parts)):
            folders += 1
        elif operation.kind == "sync_folder":
            parts.append(parts[-1])
        else:
            part = _part(operation, checkpoint)
            if part.startswith("offsets/"):
                batch = part.removeprefix("offsets/")
            numbered = part == "metadata" or part.startswith(("offsets/", "commits/", "sources/"))
            parts += [part if numbered else f"{part} of batch {batch}"] * (folders + 1)
            folders = 0
    return parts + parts[-1:] * folders


def _part(operation: Operation, checkpoint: str) -> str:
    """`offsets/2`, `commits/2`, `state/0`, `sources/0/2`, `metadata`, or the sink's files."""
    for path in (operation.path, operation.detail):
        found = FILE.match(path.removeprefix(checkpoint)) if path.startswith(checkpoint) else None
        if found is not None:
            state, folder, name = found.groups()
            return state or (f"{folder}/{name}" if folder else name)
    return "the sink's files"


def _both(name: str, fault: dict[str, Any]) -> list[CrashPoint]:
    """The death of the process alone, and of the machine."""
    return [CrashPoint(name, fault), CrashPoint(name, fault, power_loss=True)]
