"""Ctrl-C and SIGTERM end a program at a point where gRPC can be left.

Python raises from a signal handler between any two instructions of the main thread. Raised while gRPC starts
or ends a call, that leaves locks held and a channel that never answers again, and the program's own clean-up
(`query.stop()`, the client's goodbye) would wait for ever. So the exception waits until the main thread
leaves gRPC or waits there for an answer, which gRPC is made to be interrupted at.
"""

import os
import signal
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

__all__ = ["install_handlers"]

WAITING = (("_blocking",), ("wait", "_wait_once"))
"""The innermost functions while gRPC waits for the answer of a single call, and of a stream."""


def install_handlers() -> None:
    """SIGINT raises KeyboardInterrupt and SIGTERM exits with 143, unless the signal is ignored here."""
    for number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _end)


def _end(number: int, frame: FrameType | None) -> None:
    codes = [caller.f_code for caller in _callers(frame)]
    if not _in_grpc(codes) or _waiting(codes):
        _raise(number)
    else:
        _raise_later(number)


def _raise(number: int) -> None:
    raise KeyboardInterrupt if number == signal.SIGINT else SystemExit(128 + number)


def _raise_later(number: int) -> None:
    """Watch the calls of the main thread until one enters gRPC's waiting or leaves gRPC."""
    profiler = sys.getprofile()

    def watch(frame: FrameType, event: str, argument: Any) -> None:
        waits = event == "call" and frame.f_code.co_name == "_wait_once"
        if waits or (event == "return" and not _in_grpc([f.f_code for f in _callers(frame.f_back)])):
            sys.setprofile(profiler)
            _raise(number)

    sys.setprofile(watch)


def _in_grpc(codes: Sequence[CodeType]) -> bool:
    import grpc

    package = str(Path(grpc.__file__).parent) + os.sep
    return any(code.co_filename.startswith(package) for code in codes)


def _waiting(codes: Sequence[CodeType]) -> bool:
    names = tuple(code.co_name for code in codes)
    return any(names[: len(waiting)] == waiting for waiting in WAITING)


def _callers(frame: FrameType | None) -> Iterator[FrameType]:
    while frame is not None:
        yield frame
        frame = frame.f_back
