"""What all of Spark's logs share: a version line, then lines of compact JSON, and no final newline."""

import json
import re
from typing import Any

from cauce.checkpoint.damage import damaged_file, shown
from cauce.errors import IllegalStateException

__all__ = ["compact_json", "is_json", "json_object", "log_bytes", "log_lines"]


def compact_json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def log_bytes(version: int, lines: list[str]) -> bytes:
    return "\n".join([f"v{version}", *lines]).encode()


def log_lines(path: str, data: bytes, version_max: int) -> tuple[int, list[str]]:
    """The version and the lines after it."""
    try:
        first, *lines = data.decode().split("\n")
    except UnicodeDecodeError as error:
        raise damaged_file(path, "UTF-8 text", f"{error.reason} at byte {error.start}") from None
    match = re.fullmatch(r"v([1-9][0-9]*)", first)
    if match is None:
        raise damaged_file(path, "a version such as v1 in the first line", shown(first))
    if int(match[1]) > version_max:
        raise IllegalStateException(
            "INVALID_LOG_VERSION.MAX_SUPPORTED_VERSION",
            maxSupportedVersion=version_max,
            version=int(match[1]),
        )
    # Someone's editor may have ended the last line; Spark does not mind either.
    return int(match[1]), lines[:-1] if lines and lines[-1] == "" else lines


def json_object(path: str, line: str, expected: str) -> dict[str, Any]:
    """One line that must be a JSON object."""
    try:
        value = json.loads(line)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise damaged_file(path, expected, shown(line))
    return value
