"""What a command's handler gets besides its own message."""

from dataclasses import dataclass

from pyspark.sql.connect.proto import ExecutePlanRequest

from cauce.session import Operation, Session

__all__ = ["Execution"]


@dataclass(frozen=True)
class Execution:
    """A handler yields ExecutePlanResponse messages (or their bytes); ids are filled in afterwards.

    A handler that waits registers with `operation.on_cancel`, so that an interrupt wakes it.
    """

    request: ExecutePlanRequest
    session: Session
    operation: Operation
