"""A pyspark session of this process on one of this server's sessions (foreachBatch, listeners)."""

from typing import Any
from urllib.parse import quote

from cauce.session import Session

__all__ = ["client_session"]


def client_session(session: Session, connection_string: str) -> Any:
    """Connected with the session's own id and user, so that views and settings are shared."""
    from pyspark.sql.connect.session import SparkSession

    url = f"{connection_string};session_id={session.session_id}"
    if session.key.user_id:
        url += f";user_id={quote(session.key.user_id, safe='')}"
    return SparkSession(connection=url)
