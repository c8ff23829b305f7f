"""Whether a program's query could continue from a checkpoint: nothing runs or is written to find out."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from cauce.checkpoint import Checkpoint, CommitEntry, OffsetEntry, restore_locked_conf
from cauce.conf import Conf
from cauce.errors import SparkError
from cauce.streaming.planner import StreamingPlan
from cauce.streaming.state_agreement import check_state

__all__ = ["CHECK_ONLY", "Finding", "checked", "continuation"]

CHECK_ONLY = "cauce.sql.streaming.checkpoint.checkOnly"
"""Set to a checkpoint's path: queries are planned and compared with it, and none runs a batch."""

checked: list["Finding"] = []
"""What the queries of this process were found to be; `cauce checkpoint check` reads it after the program."""

FILE_FORMATS = frozenset({"csv", "json", "orc", "parquet", "text"})


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    level: Literal["ok", "note", "problem"]
    about: str
    seen: str


def continuation(plan: StreamingPlan, checkpoint: Checkpoint, conf: Conf) -> Iterator[Finding]:
    """What would happen if the plan were started on the checkpoint."""
    try:
        latest, committed = checkpoint.offsets.latest(), checkpoint.commits.latest()
    except SparkError as error:
        yield Finding("problem", "logs", str(error))
        return
    if latest is None:
        yield Finding("note", "batches", "None was begun: the query starts from the beginning.")
        return
    yield from _batches(latest, committed)
    yield from _sources(plan, latest[1])
    kept = restore_locked_conf(conf, latest[1].conf)
    yield from _settings(conf, kept, latest[1].conf)
    yield _state(plan, checkpoint, None if committed is None else committed[1], kept)


def _batches(latest: tuple[int, OffsetEntry], committed: tuple[int, CommitEntry] | None) -> Iterator[Finding]:
    last = -1 if committed is None else committed[0]
    if last == latest[0]:
        yield Finding("ok", "batches", f"Batch {last} is committed; batch {last + 1} would be the next.")
    elif last == latest[0] - 1:
        yield Finding(
            "note", "batches", f"Batch {latest[0]} was begun and not committed: it would run again."
        )
    else:
        yield Finding("problem", "batches", f"Offsets end with batch {latest[0]}, commits with batch {last}.")


def _sources(plan: StreamingPlan, entry: OffsetEntry) -> Iterator[Finding]:
    if len(plan.sources) != len(entry.offsets):
        yield Finding(
            "problem",
            "sources",
            f"There are [{len(entry.offsets)}] sources in the checkpoint offsets and now there are "
            f"[{len(plan.sources)}] sources requested by the query. Cannot continue.",
        )
        return
    for index, (leaf, offset) in enumerate(zip(plan.sources, entry.offsets, strict=True)):
        name = leaf.options.format
        is_file_offset = offset is not None and offset.startswith('{"logOffset":')
        if offset is not None and is_file_offset != (name.lower() in FILE_FORMATS):
            yield Finding("problem", "sources", f"Source {index} is {name} now, and its offset is {offset}.")
        else:
            yield Finding("ok", "sources", f"Source {index}, {name}, continues after {offset or 'nothing'}.")


def _settings(conf: Conf, kept: Conf, recorded: dict[str, str]) -> Iterator[Finding]:
    for key in recorded:
        wanted = conf.values.get(key)
        if wanted is not None and wanted != kept.get(key):
            seen = (
                f"{key} stays {kept.get(key)} as the checkpoint says, whatever the program sets ({wanted})."
            )
            yield Finding("note", "settings", seen)


def _state(plan: StreamingPlan, checkpoint: Checkpoint, commit: CommitEntry | None, conf: Conf) -> Finding:
    try:
        check_state(checkpoint, plan.stateful, commit, conf)
    except SparkError as error:
        return Finding("problem", "state", str(error))
    names = ", ".join(f"{node.index} {node.operator_name}" for node in plan.stateful)
    return Finding(
        "ok", "state", f"The stateful operators are the same: {names}." if names else "There is none."
    )
