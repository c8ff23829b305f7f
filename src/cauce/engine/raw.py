"""Sail's RPCs as bytes in, bytes out, for messages that only pass through."""

import contextlib
import threading
from collections.abc import Iterator
from typing import Protocol

import grpc
from pyspark.sql.connect.proto import ExecutePlanRequest, ReattachOptions

from cauce.errors import SparkError

__all__ = ["TELL_THE_END", "OperationIds", "RawCall", "RawStub", "unfinished"]

TELL_THE_END = [ExecutePlanRequest.RequestOption(reattach_options=ReattachOptions(reattachable=True))]
"""Sail ends an answer with `result_complete` only for a request that could be reattached. Without that
mark an answer cut short by a crash inside Sail would look like a small one."""

SERVICE = "/spark.connect.SparkConnectService/"


class RawCall(Protocol):
    """A running ExecutePlan: an iterator of responses that can be cancelled."""

    def __iter__(self) -> Iterator[bytes]: ...

    def __next__(self) -> bytes: ...

    def cancel(self) -> bool: ...


class RawStub:
    """The RPCs of one channel. Errors are grpc.RpcError, see `cauce.engine.errors`."""

    def __init__(self, channel: grpc.Channel) -> None:
        self.execute_plan = channel.unary_stream(SERVICE + "ExecutePlan")
        self.analyze_plan = channel.unary_unary(SERVICE + "AnalyzePlan")
        self.config = channel.unary_unary(SERVICE + "Config")
        self.interrupt = channel.unary_unary(SERVICE + "Interrupt")
        self.release_session = channel.unary_unary(SERVICE + "ReleaseSession")


class OperationIds:
    """Names for operations in one Sail session, used again once an operation has ended.

    Sail keeps what it ran under an operation id until the id comes again, so fresh ids would leak.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._free: list[str] = []
        self._count = 0

    @contextlib.contextmanager
    def borrow(self) -> Iterator[str]:
        with self._lock:
            if not self._free:
                self._count += 1
                self._free.append(f"operation-{self._count}")
            operation_id = self._free.pop()
        try:
            yield operation_id
        finally:
            with self._lock:
                self._free.append(operation_id)


def unfinished() -> SparkError:
    """The error for an answer without its end."""
    return SparkError(
        "INTERNAL_ERROR",
        message="The engine crashed while it ran this plan; what it printed on standard error says why. "
        "Please report both.",
    )
