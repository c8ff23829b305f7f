"""A server inside this process, and what leads PySpark's session builder to it."""

import atexit
import concurrent.futures
import os
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cauce.server import CauceServer

__all__ = ["start", "stop"]

GOODBYE_S = 5
"""How long a client that leaves may take until its last calls are answered."""

_lock = threading.Lock()
_server: "CauceServer | None" = None


def start(settings: Mapping[str, str] | None = None) -> str:
    """Start the server of this process unless it runs; its connection string.

    From then on `SparkSession.builder.getOrCreate()` leads to it, in this process and in those it
    starts. `settings` are every session's defaults and count only for the call that starts it.
    """
    global _server
    with _lock:
        if _server is None:
            # gRPC would report the orderly end of its connections on the user's terminal.
            os.environ.setdefault("GRPC_VERBOSITY", "ERROR")
            with _main_module_named():
                from cauce.server import CauceServer

            server = CauceServer(settings=settings, in_process_client=True)
            server.start()
            _set_environment(server)
            _accept_local_masters()
            _let_clients_finish()
            _server = server
            # Registered before any client exists, so it runs after each client has said goodbye.
            atexit.register(stop)
        return _server.connection_string


def stop() -> None:
    """Stop this process's server and every streaming query in it."""
    global _server
    with _lock:
        if _server is not None:
            _server.stop(grace_s=None)
            _server = None
            os.environ.pop("SPARK_REMOTE", None)


@contextmanager
def _main_module_named() -> Iterator[None]:
    """Under `python -c` PySpark takes a `__main__` without file and spec for a doctest and exits."""
    main = sys.modules["__main__"]
    unnamed = main.__spec__ is None and not hasattr(main, "__file__")
    if unnamed:
        main.__file__ = "<string>"
    try:
        yield
    finally:
        if unnamed:
            del main.__file__


def _set_environment(server: "CauceServer") -> None:
    os.environ["SPARK_REMOTE"] = server.connection_string
    # PySpark refuses a MASTER beside SPARK_REMOTE.
    os.environ.pop("MASTER", None)


def _accept_local_masters() -> None:
    """`.master("local[2]")` and `.remote("local")` mean this process.

    PySpark's builder refuses a master beside SPARK_REMOTE, which would make every script that names
    one fail here, so its check is replaced by dropping both.
    """
    from pyspark.sql import SparkSession

    def forget_local_urls(builder: Any) -> None:
        builder._options.pop("spark.master", None)
        if str(builder._options.get("spark.remote", "")).startswith("local"):
            del builder._options["spark.remote"]

    setattr(SparkSession.Builder, "_validate_startup_urls", forget_local_urls)  # noqa: B010 - it is private


def _let_clients_finish() -> None:
    """Let the calls that a client makes on leaving be answered before the server stops.

    Its goodbye leaves a ReleaseExecute under way in a thread, which would be retried for minutes against
    the server that is gone, and Python waits for that thread.
    """
    from pyspark.sql.connect.client import SparkConnectClient

    say_goodbye = SparkConnectClient._on_exit

    def leave(client: SparkConnectClient) -> None:
        say_goodbye(client)
        concurrent.futures.wait(list(client._release_futures), timeout=GOODBYE_S)

    setattr(SparkConnectClient, "_on_exit", leave)  # noqa: B010 - it is private
