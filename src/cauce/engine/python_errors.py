"""Tracebacks of user functions without the frames of the worker around them, as Spark shows them."""

import re

__all__ = ["user_traceback"]

FRAME = re.compile(r'^  File "(?P<file>[^"]+)", line \d+, in .*\n(?:^    .*\n)*', re.MULTILINE)
WORKER_FILE = re.compile(r"^spark\.py$|[/\\]pyspark[/\\](?:worker|util|serializers|sql[/\\])")
HEADER = "Traceback (most recent call last):\n"


def user_traceback(text: str) -> str:
    """The traceback from the user's first frame on; unchanged if no frame is the user's."""
    start = text.find(HEADER)
    if start < 0:
        return text
    body = text[start + len(HEADER) :]
    kept = FRAME.sub(lambda frame: "" if WORKER_FILE.search(frame["file"]) else frame[0], body)
    return text if not FRAME.search(kept) else text[:start] + HEADER + kept
