"""Errors raised while Sail reads rows of this process: they come back as themselves, not in Sail's words."""

import re
import threading
import uuid
from collections import OrderedDict

from cauce.errors import SparkError

__all__ = ["LiveError", "original"]

KEPT_MAX = 256
"""Errors nobody asked for are forgotten beyond so many."""
MARK = re.compile(r"cauce_live_error:([0-9a-f]{32})")

_lock = threading.Lock()
_errors: OrderedDict[str, SparkError] = OrderedDict()


class LiveError(Exception):
    """Stands for another error on its way through Sail, which keeps the text only."""

    def __init__(self, error: SparkError) -> None:
        key = uuid.uuid4().hex
        with _lock:
            _errors[key] = error
            while len(_errors) > KEPT_MAX:
                _errors.popitem(last=False)
        super().__init__(f"cauce_live_error:{key}")


def original(message: str) -> SparkError | None:
    """The error that a message of Sail stands for, if it stands for one."""
    match = MARK.search(message)
    with _lock:
        return _errors.pop(match[1], None) if match is not None else None
