"""The files a file source has handed out, forgotten once they are too old to be listed as new."""

import heapq
import os

__all__ = ["SeenFiles"]


class SeenFiles:
    """Paths and their modification times; memory is bounded by `age_ms_max`, counted from the newest file."""

    def __init__(self, age_ms_max: int, *, name_only: bool) -> None:
        self._age_ms_max = age_ms_max
        self._name_only = name_only
        self._seen: set[str] = set()
        self._by_age: list[tuple[int, str]] = []
        self._newest_ms = 0
        self._purged_before_ms = 0

    def __len__(self) -> int:
        return len(self._seen)

    def __contains__(self, path: str) -> bool:
        """Whether this very path was seen and not forgotten."""
        return not self._name_only and path in self._seen

    def add(self, path: str, modified_ms: int) -> None:
        key = self._key(path)
        self._seen.add(key)
        heapq.heappush(self._by_age, (modified_ms, key))
        self._newest_ms = max(self._newest_ms, modified_ms)

    def is_new(self, path: str, modified_ms: int) -> bool:
        """Not seen, and not so old that it may have been seen and forgotten."""
        # Compared with the last purge, so that a file which is old but not forgotten is never missed.
        return modified_ms >= self._purged_before_ms and self._key(path) not in self._seen

    def purge(self) -> None:
        """Forget files older than the newest one by more than the maximum age."""
        self._purged_before_ms = self._newest_ms - self._age_ms_max
        while self._by_age and self._by_age[0][0] < self._purged_before_ms:
            self._seen.discard(heapq.heappop(self._by_age)[1])

    def _key(self, path: str) -> str:
        return os.path.basename(path) if self._name_only else path
