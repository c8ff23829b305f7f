"""Bytes of protobuf messages, changed without parsing them.

A field that appears again at the end of a message replaces the earlier value, so ids are set on a
response of any size by appending a few bytes.
"""

from typing import TypeVar

from google._upb import _message
from google.protobuf.message import DecodeError, Message
from pyspark.sql.connect import proto

from cauce.errors import SparkError

__all__ = ["analyze_ids", "execute_ids", "parse", "to_bytes"]

# Plans nest one message per operator, and protobuf stops at 100 levels unless told otherwise; the
# plan depth limit of this server is checked on the parsed plan (see `plans.py`).
_message.SetAllowOversizeProtos(True)


M = TypeVar("M", bound=Message)


def parse(message_class: type[M], data: bytes) -> M:
    """The message in `data`, or the error a client gets for bytes that are none."""
    try:
        return message_class.FromString(data)
    except DecodeError as error:
        raise SparkError("CONNECT_INVALID_PLAN.CANNOT_PARSE", errorMsg=error) from None


def to_bytes(message: Message | bytes) -> bytes:
    """Handlers answer with a message, or with bytes that are one."""
    return message if isinstance(message, bytes) else message.SerializeToString()


def execute_ids(session_id: str, server_side_session_id: str, operation_id: str, response_id: str) -> bytes:
    """The tail that gives an ExecutePlanResponse its ids."""
    return proto.ExecutePlanResponse(
        session_id=session_id,
        server_side_session_id=server_side_session_id,
        operation_id=operation_id,
        response_id=response_id,
    ).SerializeToString()


def analyze_ids(session_id: str, server_side_session_id: str) -> bytes:
    """The tail that gives an AnalyzePlanResponse its ids."""
    return proto.AnalyzePlanResponse(
        session_id=session_id, server_side_session_id=server_side_session_id
    ).SerializeToString()
