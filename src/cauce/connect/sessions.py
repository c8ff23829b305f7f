"""The RPCs about sessions: release and clone."""

import uuid

from pyspark.sql.connect.proto import (
    CloneSessionRequest,
    CloneSessionResponse,
    ReleaseSessionRequest,
    ReleaseSessionResponse,
)

from cauce.connect.config import set_value
from cauce.connect.definitions import copy_definitions
from cauce.errors import SparkSQLException
from cauce.session import Session, SessionKey, SessionRegistry

__all__ = ["clone_session", "release_session"]


def release_session(
    request: ReleaseSessionRequest, key: SessionKey, sessions: SessionRegistry
) -> ReleaseSessionResponse:
    """End a session. One that never was is released just as well."""
    session = sessions.close(key, allow_reconnect=request.allow_reconnect)
    response = ReleaseSessionResponse(session_id=key.session_id)
    if session is not None:
        response.server_side_session_id = session.server_side_session_id
    return response


def clone_session(
    request: CloneSessionRequest, session: Session, sessions: SessionRegistry
) -> CloneSessionResponse:
    """A new session that starts from this one's settings, views, functions and cached relations.

    Session variables and the current database are Sail's own, and start anew.
    """
    new_id = request.new_session_id or str(uuid.uuid4())
    if not _is_uuid(new_id):
        raise SparkSQLException(
            "INVALID_CLONE_SESSION_REQUEST.TARGET_SESSION_ID_FORMAT", targetSessionId=new_id
        )
    clone = sessions.clone(session, new_id)
    for key, value in session.settings.all().items():
        set_value(key, value, clone, checked=False)
    copy_definitions(session, clone)
    return CloneSessionResponse(
        session_id=session.session_id,
        server_side_session_id=session.server_side_session_id,
        new_session_id=new_id,
        new_server_side_session_id=clone.server_side_session_id,
    )


def _is_uuid(text: str) -> bool:
    try:
        return str(uuid.UUID(text)) == text.lower()
    except ValueError:
        return False
