"""One dead letter: what is kept of a row that could not be processed."""

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from cauce.errors import SparkError

__all__ = ["DeadLetter", "reason", "record_text"]

EXCEPTION_LINE = re.compile(r"^([A-Za-z_][\w.]*)(?:: (.*))?\Z", re.MULTILINE | re.DOTALL)
"""The end of a Python traceback: from the first line that is not indented."""
TRACEBACK = "Traceback (most recent call last):\n"


@dataclass(frozen=True)
class DeadLetter:
    """A row, where it came from, and why it is here."""

    source: str | None
    """As progress JSON describes it; None for a row that is no single source's, as an aggregate's result."""
    start_offset: str | None
    end_offset: str | None
    location: Mapping[str, Any]
    """The row's place in the source, as far as it is known: path and row, or topic, partition and offset."""
    step: str
    """What failed: the reader of a format, or the part of the plan."""
    error_class: str
    error_message: str
    record: str
    """The malformed text, or the row that the failing step got, as JSON."""


def reason(error: SparkError) -> tuple[str, str]:
    """Class and message: a Python function's own exception, or else Spark's condition."""
    text = str(error)
    raised = _raised_in_python(text)
    if raised is not None:
        return raised
    return error.condition or error.java_class.rpartition(".")[2], text


def _raised_in_python(text: str) -> tuple[str, str] | None:
    start = text.rfind(TRACEBACK)
    if start < 0:
        return None
    lines = text[start + len(TRACEBACK) :].rstrip().split("\n")
    first = next((i for i, line in enumerate(lines) if line and not line[0].isspace()), None)
    match = None if first is None else EXCEPTION_LINE.match("\n".join(lines[first:]))
    return None if match is None else (match[1], match[2] or "")


def record_text(row: pa.Table) -> str:
    """A table of one row as a JSON object."""
    [values] = row.to_pylist(maps_as_pydicts="lossy")
    return json.dumps(values, default=_plain, ensure_ascii=False)


def _plain(value: Any) -> Any:
    """What JSON has no word for: bytes as text if they are, else as base64; times and decimals as text."""
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:
            return {"base64": base64.b64encode(value).decode()}
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
