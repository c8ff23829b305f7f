"""`cauce server`: serves Spark Connect until SIGTERM or Ctrl-C."""

import argparse
import os
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

__all__ = ["main"]

TOKEN_VARIABLE = "SPARK_CONNECT_AUTHENTICATE_TOKEN"


def main(arguments: Sequence[str]) -> int:
    """Exit code 0 after an orderly stop, 1 if the server could not start."""
    options = parser().parse_args(arguments)
    from cauce.errors import SparkError
    from cauce.server import CauceServer

    try:
        tls = _tls(options.tls_cert, options.tls_key)
        server = CauceServer(options.host, options.port, tls=tls).start()
    except (SparkError, OSError) as error:
        print(f"cauce server: {error}", file=sys.stderr)
        return 1
    stopped = _stop_on_signal()
    print(_announcement(server.connection_string), flush=True)
    stopped.wait()
    print("Stopping: no new calls, queries end after their batch.", file=sys.stderr)
    server.stop()
    return 0


def parser() -> argparse.ArgumentParser:
    server = argparse.ArgumentParser(
        prog="cauce server",
        description=f"Serves Spark Connect. The token is {TOKEN_VARIABLE}, else a fresh one is shown.",
    )
    server.add_argument(
        "--host", default="127.0.0.1", help="address to listen on (127.0.0.1); others need TLS"
    )
    server.add_argument(
        "--port", type=int, default=15002, help="port to listen on (15002); 0 takes a free one"
    )
    server.add_argument("--tls-cert", metavar="FILE", help="certificate chain, PEM")
    server.add_argument("--tls-key", metavar="FILE", help="private key, PEM")
    return server


def _tls(cert: str | None, key: str | None) -> tuple[bytes, bytes] | None:
    if cert is None and key is None:
        return None
    if cert is None or key is None:
        raise OSError("--tls-cert and --tls-key belong together")
    return Path(cert).read_bytes(), Path(key).read_bytes()


def _announcement(connection_string: str) -> str:
    """What to put into SPARK_REMOTE. A token the user already has is not repeated on the screen."""
    if os.environ.get(TOKEN_VARIABLE):
        address, _, parameters = connection_string.partition("/;")
        kept = [part for part in parameters.split(";") if not part.startswith("token=")]
        shown = ";".join([f"{address}/", *kept]).removesuffix("/")
        return f"Spark Connect on {shown} (token: {TOKEN_VARIABLE})"
    return f"Spark Connect on {connection_string}"


def _stop_on_signal() -> threading.Event:
    """Set by the first SIGTERM or Ctrl-C; a second one ends the process at once."""
    stopped = threading.Event()

    def stop(number: int, frame: FrameType | None) -> None:
        signal.signal(number, signal.SIG_DFL)
        stopped.set()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    return stopped
