"""Text of the server for the user's terminal: printed by the client itself.

PySpark's client takes accumulator updates of Python functions out of a response and unpickles them, as
a cluster's driver does. An update whose unpickling is `print(text)` so prints where the user looks, in a
terminal or a notebook, with the unmodified client. Only a Python client is sent one.
"""

import pickle

from pyspark.sql.connect.proto import ExecutePlanResponse, Expression

__all__ = ["printed_by_client", "understands"]

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


class _Printed:
    """Becomes `print(text)` when it is unpickled."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return print, (self._text,)
