"""The threads that serve calls: daemons, so that a waiting call never keeps the process from ending."""

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any

__all__ = ["CallThreads"]


class CallThreads(Executor):
    """Like ThreadPoolExecutor, which Python joins at exit and closes to new work before exit handlers run.

    A server in the user's own process must do neither: a listener's stream may be open for ever, and
    PySpark's client says goodbye in an exit handler. Work waiting for a thread is bounded by the
    server's limit on concurrent calls.
    """

    def __init__(self, threads_max: int) -> None:
        self._threads_max = threads_max
        self._threads = 0
        self._lock = threading.Lock()
        self._idle = threading.Semaphore(0)
        self._work: queue.SimpleQueue[tuple[Future, Callable[[], Any]]] = queue.SimpleQueue()

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future:
        future: Future = Future()
        self._work.put((future, lambda: fn(*args, **kwargs)))
        if not self._idle.acquire(blocking=False):
            self._add_thread()
        return future

    def _add_thread(self) -> None:
        with self._lock:
            if self._threads < self._threads_max:
                self._threads += 1
                name = f"cauce-call-{self._threads}"
                threading.Thread(target=self._serve, name=name, daemon=True).start()

    def _serve(self) -> None:
        while True:
            future, call = self._work.get()
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(call())
                except BaseException as error:
                    future.set_exception(error)
            # Held on to, they would keep the last call's request and answer alive until the next one.
            del future, call
            self._idle.release()
