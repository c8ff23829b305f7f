"""When two plans mean the same: equal messages, whatever ids and call sites the client gave them."""

import hashlib

from google.protobuf.message import Message
from pyspark.sql.connect.proto import Relation

__all__ = ["semantic_hash", "semantic_key"]


def semantic_key(relation: Relation) -> bytes:
    """Equal for plans of the same operations on the same inputs."""
    copy = Relation()
    copy.CopyFrom(relation)
    _normalize(copy, {})
    return hashlib.sha256(copy.SerializeToString(deterministic=True)).digest()


def semantic_hash(relation: Relation) -> int:
    """The key as the 32-bit signed number the client is given."""
    return int.from_bytes(semantic_key(relation)[:4], "big", signed=True)


def _normalize(message: Message, plan_ids: dict[int, int]) -> None:
    """Number plan ids in the order they are met, and drop where in the user's code a node was made."""
    for name in ("origin", "source_info"):
        if name in message.DESCRIPTOR.fields_by_name:
            message.ClearField(name)
    for descriptor, value in message.ListFields():
        if descriptor.name == "plan_id":
            message.plan_id = plan_ids.setdefault(value, len(plan_ids) + 1)  # type: ignore[attr-defined]
        elif descriptor.message_type is not None:
            for part in _messages(descriptor, value):
                _normalize(part, plan_ids)


def _messages(descriptor, value) -> list[Message]:
    if not descriptor.is_repeated:
        return [value]
    if not descriptor.message_type.GetOptions().map_entry:
        return list(value)
    return [value[key] for key in sorted(value) if isinstance(value[key], Message)]
