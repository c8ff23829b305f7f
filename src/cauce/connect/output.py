"""Text of the server for the user's terminal: printed by the client itself.

PySpark's client takes accumulator updates of Python functions out of a response and unpickles them, as
a cluster's driver does. An update whose unpickling is `print(text)` so prints where the user looks, in a
terminal or a notebook, with the unmodified client. Only a Python client is sent one.
"""

import pickle
from collections.abc import Callable, Generator

from pyspark.sql.connect.proto import ExecutePlanResponse, Expression

from cauce.connect.execution import Execution
from cauce.errors import SparkSQLException

__all__ = ["printed_by_client", "understands", "while_waiting"]

WAIT_STEP_MS = 100
"""How late output may reach a client that waits, and how late an interrupt ends the wait."""

ACCUMULATOR = "__python_accumulator__"


def understands(client_type: str) -> bool:
    """Whether the client is PySpark."""
    return "python" in client_type.lower()


def printed_by_client(text: str) -> ExecutePlanResponse:
    """A response that makes the client print the text."""
    update = pickle.dumps((None, _Printed(text.removesuffix("\n"))), protocol=4)
    metrics = ExecutePlanResponse.ObservedMetrics(
        name=ACCUMULATOR, keys=["output"], values=[Expression.Literal(binary=update)]
    )
    return ExecutePlanResponse(observed_metrics=[metrics])


def while_waiting(
    execution: Execution, wait: Callable[[int], bool], timeout_ms: int | None
) -> Generator[ExecutePlanResponse, None, bool]:
    """Wait for up to `timeout_ms` (None: for ever), telling output as it comes; whether `wait` said yes.

    `wait` is asked again and again for a few milliseconds, so that an interrupt ends the wait as well.
    """
    left_ms = timeout_ms
    tells = understands(execution.request.client_type)
    while True:
        step_ms = WAIT_STEP_MS if left_ms is None else min(WAIT_STEP_MS, left_ms)
        done = wait(step_ms)
        text = execution.session.take_output() if tells else ""
        if text:
            yield printed_by_client(text)
        if execution.operation.cancelled:
            raise SparkSQLException("OPERATION_CANCELED")
        left_ms = None if left_ms is None else left_ms - step_ms
        if done or left_ms == 0:
            return done


class _Printed:
    """Becomes `print(text)` when it is unpickled."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return print, (self._text,)
