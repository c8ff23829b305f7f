"""Reads Spark's properties files: spark-defaults.conf and what --properties-file names."""

import re
from pathlib import Path

__all__ = ["read_properties"]

SEPARATOR = re.compile(r"(?<!\\)(?:\s*[=:]\s*|\s+)")


def read_properties(path: str | Path) -> dict[str, str]:
    """The `spark.` keys of a Java properties file, as spark-submit reads them; values are stripped."""
    properties = {}
    for line in _logical_lines(Path(path).read_text(encoding="utf-8")):
        key, *rest = SEPARATOR.split(line, maxsplit=1)
        if key.startswith("spark."):
            properties[_unescape(key)] = _unescape(rest[0].strip() if rest else "")
    return properties


def _logical_lines(text: str) -> list[str]:
    """Without comments and blank lines; a backslash at a line's end joins the next one."""
    lines, pending = [], ""
    for raw in text.splitlines():
        line = raw.strip()
        if not pending and (not line or line[0] in "#!"):
            continue
        continued = (len(line) - len(line.rstrip("\\"))) % 2 == 1
        pending += line[:-1] if continued else line
        if not continued:
            lines.append(pending)
            pending = ""
    return [*lines, pending] if pending else lines


def _unescape(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text)
