"""Where a query continues: the last batch that began and the last that ended, if the logs can be trusted.

By the protocol `offsets/N` is durable before batch N runs and `commits/N` after its sink and its state, so
the last offsets are those of the last commit (nothing pending) or one ahead (batch N runs again, with the
same range, watermark and time). Anything else is damage from outside, and stops the query with instructions
instead of a guess. The one repair made alone: an unreadable `offsets/N` of a batch that provably never
reached the sink is set aside, since no one has seen anything of batch N.
"""

from cauce.checkpoint.checkpoint import Checkpoint
from cauce.checkpoint.commit_log import CommitEntry
from cauce.checkpoint.damage import DAMAGED_FILE, missing_file
from cauce.checkpoint.log_folder import LogFolder
from cauce.checkpoint.offset_log import OffsetEntry
from cauce.checkpoint.rewind import finish_rewind
from cauce.errors import AnalysisException, IllegalStateException, UnsupportedOperationException

__all__ = ["recover"]

Offsets = tuple[int, OffsetEntry] | None
Commit = tuple[int, CommitEntry] | None


def recover(
    checkpoint: Checkpoint, *, sink_batch_id: int | None = None, source_count: int | None = None
) -> tuple[Offsets, Commit]:
    """The last offsets and the last commit, each as (batch id, entry), or None.

    `sink_batch_id` is the last batch the sink itself can show, -1 for none, or None when it cannot tell.
    `source_count` is the number of sources of the query that wants to continue.
    """
    finish_rewind(checkpoint)
    _settle(checkpoint)
    _check_identity(checkpoint)
    commit = _last_commit(checkpoint)
    offsets = _last_offsets(checkpoint, -1 if commit is None else commit[0], sink_batch_id)
    _check_order(checkpoint, offsets, commit)
    _check_sources(offsets, source_count)
    _refuse_state_of_spark(checkpoint, commit)
    return offsets, commit


def _settle(checkpoint: Checkpoint) -> None:
    """A crashed run may have left files unfinished, or named but not yet durable."""
    sources = [
        LogFolder(checkpoint.file_system, f"{checkpoint.sources_path}/{name}")
        for name in checkpoint.file_system.names(checkpoint.sources_path)
    ]
    for folder in (
        checkpoint.metadata.folder,
        checkpoint.offsets.folder,
        checkpoint.commits.folder,
        *sources,
    ):
        folder.settle()


def _check_identity(checkpoint: Checkpoint) -> None:
    started = checkpoint.offsets.latest_id() is not None or checkpoint.commits.latest_id() is not None
    if started and checkpoint.metadata.read() is None:
        raise AnalysisException(
            "STREAMING_CHECKPOINT_MISSING_METADATA_FILE", checkpointLocation=checkpoint.path
        )


def _last_commit(checkpoint: Checkpoint) -> Commit:
    try:
        return checkpoint.commits.latest()
    except IllegalStateException as error:
        if error.condition != DAMAGED_FILE:
            raise
        batch_id = checkpoint.commits.latest_id()
        raise IllegalStateException(
            "CHECKPOINT_DAMAGED.LAST_COMMIT", **error.parameters, batchId=batch_id
        ) from error


def _last_offsets(checkpoint: Checkpoint, committed_id: int, sink_batch_id: int | None) -> Offsets:
    try:
        return checkpoint.offsets.latest()
    except IllegalStateException as error:
        batch_id = checkpoint.offsets.latest_id()
        if error.condition != DAMAGED_FILE or batch_id is None:
            raise
        damage = error
    if committed_id >= batch_id or sink_batch_id is None or sink_batch_id >= batch_id:
        raise IllegalStateException(
            "CHECKPOINT_DAMAGED.LAST_OFFSETS", **damage.parameters, batchId=batch_id
        ) from damage
    checkpoint.offsets.folder.set_aside(str(batch_id))
    return checkpoint.offsets.latest()


def _check_order(checkpoint: Checkpoint, offsets: Offsets, commit: Commit) -> None:
    started_id = -1 if offsets is None else offsets[0]
    committed_id = -1 if commit is None else commit[0]
    if committed_id > started_id:
        raise missing_file(
            checkpoint.offsets.folder.path_of(str(committed_id)), f"batch {committed_id} is committed"
        )
    if started_id > committed_id + 1:
        raise missing_file(
            checkpoint.commits.folder.path_of(str(started_id - 1)),
            f"batch {started_id} began, so batch {started_id - 1} had been committed",
        )
    if (
        started_id == committed_id + 1 > 0
        and checkpoint.offsets.get(committed_id) is None
        and committed_id >= 0
    ):
        raise missing_file(
            checkpoint.offsets.folder.path_of(str(committed_id)),
            f"batch {started_id} must run again and begins where batch {committed_id} ended",
        )


def _check_sources(offsets: Offsets, source_count: int | None) -> None:
    if offsets is None or source_count is None or len(offsets[1].offsets) == source_count:
        return
    raise IllegalStateException(
        None,
        f"There are [{len(offsets[1].offsets)}] sources in the checkpoint offsets and now there are "
        f"[{source_count}] sources requested by the query. Cannot continue.",
    )


def _refuse_state_of_spark(checkpoint: Checkpoint, commit: Commit) -> None:
    """Its stateful operators would start from nothing here, and answer wrongly without a word."""
    operator = f"{checkpoint.state_path}/0/_metadata"
    if commit is not None and commit[1].state is None and checkpoint.file_system.exists(operator):
        raise UnsupportedOperationException(
            None,
            f"The state in {checkpoint.state_path} was written by Apache Spark, and cauce does not read it. "
            "Continue this query on Spark, or start it here with a new checkpoint.",
        )
