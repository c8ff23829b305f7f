"""A debugger where a user's function fails, although the engine calls it and keeps the traceback."""

import functools
import inspect
import pdb
import sys
from collections.abc import Callable, Iterator
from typing import Any

from google.protobuf.message import Message
from pyspark.serializers import CloudPickleSerializer
from pyspark.sql.connect.proto import PythonUDF

__all__ = ["debug_functions"]


def debug_functions(plan: Message) -> None:
    """Let every Python function in a plan open the debugger where it raises."""
    serializer = CloudPickleSerializer()
    for udf in list(_functions(plan)):
        function, *rest = serializer.loads(udf.command)
        udf.command = serializer.dumps((debugged(function), *rest))


def debugged(function: Callable[..., Any]) -> Callable[..., Any]:
    """The same function, errors of which are looked at before they go on."""

    @functools.wraps(function)
    def call(*arguments: Any, **named: Any) -> Any:
        try:
            return function(*arguments, **named)
        except Exception:
            _look()
            raise

    @functools.wraps(function)
    def generate(*arguments: Any, **named: Any) -> Iterator[Any]:
        try:
            yield from function(*arguments, **named)
        except Exception:
            _look()
            raise

    return generate if inspect.isgeneratorfunction(function) else call


def _look() -> None:
    error, trace = sys.exc_info()[1:]
    print(f"{type(error).__name__}: {error}", file=sys.stderr)
    # The first frame is the caller above; the function's own is next.
    pdb.post_mortem(trace and trace.tb_next)


def _functions(message: Message) -> Iterator[PythonUDF]:
    if isinstance(message, PythonUDF):
        yield message
        return
    for field, value in message.ListFields():
        if field.message_type is None:
            continue
        if field.message_type.GetOptions().map_entry:
            nested = [item for item in value.values() if isinstance(item, Message)]
        else:
            nested = list(value) if field.is_repeated else [value]
        for item in nested:
            yield from _functions(item)
