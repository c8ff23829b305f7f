"""Bytes of protobuf messages, changed without parsing them whole.

A field that appears again at the end of a message replaces the earlier value, so ids are set on a
response of any size by appending a few bytes. Result batches are megabytes: they are cut out of a
response, and put into one, without the copies that message objects would make of them.
"""

from typing import TypeVar

from google._upb import _message
from google.protobuf.message import DecodeError, Message
from pyspark.sql.connect import proto

from cauce.errors import SparkError

__all__ = [
    "Parts",
    "analyze_ids",
    "arrow_batch_parts",
    "arrow_data",
    "execute_ids",
    "join",
    "parse",
    "to_bytes",
]

# Plans nest one message per operator, and protobuf stops at 100 levels unless told otherwise; the
# plan depth limit of this server is checked on the parsed plan (see `plans.py`).
_message.SetAllowOversizeProtos(True)

M = TypeVar("M", bound=Message)

Parts = Message | bytes | tuple[object, ...]
"""A message, its bytes, or pieces (anything with the buffer protocol) that are its bytes together."""

# Field numbers of ExecutePlanResponse and its ArrowBatch, as tags of length-delimited fields.
ARROW_BATCH_TAG = 2 << 3 | 2
ROW_COUNT_TAG = 1 << 3
DATA_TAG = 2 << 3 | 2


def parse(message_class: type[M], data: bytes) -> M:
    """The message in `data`, or the error a client gets for bytes that are none."""
    try:
        return message_class.FromString(data)
    except DecodeError as error:
        raise SparkError("CONNECT_INVALID_PLAN.CANNOT_PARSE", errorMsg=error) from None


def to_bytes(message: Message | bytes) -> bytes:
    """Handlers answer with a message, or with bytes that are one."""
    return message if isinstance(message, bytes) else message.SerializeToString()


def join(parts: Parts, tail: bytes) -> bytes:
    """The bytes of a message with `tail` appended."""
    pieces = parts if isinstance(parts, tuple) else (to_bytes(parts),)
    return b"".join((*pieces, tail))  # type: ignore[arg-type]


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


def arrow_data(response: bytes) -> memoryview | None:
    """The Arrow stream inside an ExecutePlanResponse, uncopied; None if it carries no batch."""
    batch = _field(memoryview(response), ARROW_BATCH_TAG)
    return None if batch is None else _field(batch, DATA_TAG)


def arrow_batch_parts(row_count: int, data: object) -> Parts:
    """An ExecutePlanResponse that carries `data`, an Arrow stream of one batch, as pieces."""
    size = memoryview(data).nbytes  # type: ignore[arg-type]
    inner = bytes((ROW_COUNT_TAG,)) + _varint(row_count) + bytes((DATA_TAG,)) + _varint(size)
    return bytes((ARROW_BATCH_TAG,)) + _varint(len(inner) + size) + inner, data


def _field(message: memoryview, wanted: int) -> memoryview | None:
    """The content of the first length-delimited field with the tag `wanted`."""
    position = 0
    while position < len(message):
        tag, position = _read_varint(message, position)
        match tag & 7:
            case 0:
                _, position = _read_varint(message, position)
            case 2:
                size, position = _read_varint(message, position)
                if tag == wanted:
                    return message[position : position + size]
                position += size
            case 1:
                position += 8
            case _:
                position += 4
    return None


def _read_varint(message: memoryview, position: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
        shift += 7


def _varint(value: int) -> bytes:
    encoded = bytearray()
    while value >= 0x80:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)
