"""Forgetting old batches of a log, at the price of the few that are new since the last time."""

from cauce.checkpoint.log_folder import LogFolder

__all__ = ["BatchPurge"]

UNLISTED_MAX = 3


class BatchPurge:
    """Deletes the files of batches before a given one."""

    def __init__(self, folder: LogFolder) -> None:
        self._folder = folder
        self._purged_to = 0

    def before(self, keep_from: int) -> None:
        """Delete batches below `keep_from`; lists the folder only when there may be many."""
        candidates = range(self._purged_to, keep_from)
        if len(candidates) > UNLISTED_MAX:
            candidates = [batch_id for batch_id in self._folder.batch_ids() if batch_id < keep_from]
        for batch_id in candidates:
            self._folder.delete(str(batch_id))
        self._purged_to = max(self._purged_to, keep_from)
