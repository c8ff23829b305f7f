"""The commands handled here, by their field name in the Command message; all others are Sail's."""

from collections.abc import Callable, Iterator
from typing import Any

from cauce.connect.caching import CACHE_COMMANDS
from cauce.connect.delta_commands import DELTA_COMMANDS
from cauce.connect.execution import Execution
from cauce.connect.ml import ML_COMMANDS
from cauce.connect.resources import RESOURCE_COMMANDS
from cauce.connect.stream_plans import STREAM_COMMANDS
from cauce.connect.streaming import STREAMING_COMMANDS
from cauce.connect.wire import Parts
from cauce.connect.writes import write_operation

__all__ = ["COMMANDS"]

Handler = Callable[[Any, Execution], Iterator[Parts]]

COMMANDS: dict[str, Handler] = {
    **STREAMING_COMMANDS,
    **STREAM_COMMANDS,
    **CACHE_COMMANDS,
    **DELTA_COMMANDS,
    **ML_COMMANDS,
    **RESOURCE_COMMANDS,
    "write_operation": write_operation,
}
