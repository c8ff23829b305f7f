"""The commands handled here, by their field name in the Command message; all others are Sail's."""

from collections.abc import Callable, Iterator
from typing import Any

from pyspark.sql.connect.proto import ExecutePlanResponse

from cauce.connect.execution import Execution

__all__ = ["COMMANDS"]

Handler = Callable[[Any, Execution], Iterator[ExecutePlanResponse]]

COMMANDS: dict[str, Handler] = {}
