"""A pyspark session of this process on one of this server's sessions (foreachBatch, listeners)."""

from typing import Any
from urllib.parse import quote

from cauce.session import Session

__all__ = ["client_session"]


def client_session(session: Session, port: int, token: str) -> Any:
    """Connected with the session's own id, user and token, so that views and settings are shared."""
    from pyspark.sql.connect.session import SparkSession

    # The user is named even if it has no name: the client would take this process's user instead.
    parameters = {"token": token, "session_id": session.session_id, "user_id": session.key.user_id}
    pairs = ";".join(f"{key}={quote(value, safe='')}" for key, value in parameters.items())
    return SparkSession(connection=f"sc://localhost:{port}/;{pairs}")
