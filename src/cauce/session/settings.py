"""The settings a user has set in one session."""

import threading
from collections.abc import Mapping

from cauce.conf import Conf

__all__ = ["Settings"]


class Settings:
    """A thread-safe map of the explicitly set keys; `snapshot` is what a query keeps."""

    def __init__(self, values: Mapping[str, str] | None = None) -> None:
        self._lock = threading.Lock()
        self._values = dict(values or {})

    def get(self, key: str) -> str | None:
        with self._lock:
            return self._values.get(key)

    def set(self, key: str, value: str) -> None:
        with self._lock:
            self._values[key] = value

    def unset(self, key: str) -> None:
        with self._lock:
            self._values.pop(key, None)

    def all(self) -> dict[str, str]:
        with self._lock:
            return dict(self._values)

    def snapshot(self) -> Conf:
        """The settings as they are now, for a query that keeps the ones it started with."""
        return Conf(self.all())
