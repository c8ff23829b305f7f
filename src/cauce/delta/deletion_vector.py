"""Deletion vectors: which rows of a data file are gone, as 64-bit roaring bitmaps.

Source of the formats: PROTOCOL.md of Delta Lake and the specification of Roaring bitmaps.
"""

import base64
import struct
import uuid
import zlib
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from cauce.delta.errors import DeltaIllegalStateException
from cauce.files import local_copy, path_of_uri

__all__ = ["deleted_rows"]

MAGIC = 1681511377
"""Of Delta's portable bitmap array."""
NO_RUNS, WITH_RUNS = 12346, 12347
BITMAP_FROM = 4096
NO_OFFSETS_BELOW = 4
Z85 = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#"


def deleted_rows(table_path: str, descriptor: Mapping[str, Any]) -> pa.Array:
    """The positions of the deleted rows, ascending."""
    rows = np.concatenate([np.empty(0, np.uint64), *_bitmaps(_stored(table_path, descriptor))])
    if len(rows) != descriptor["cardinality"]:
        raise DeltaIllegalStateException("DELTA_DELETION_VECTOR_CARDINALITY_MISMATCH")
    return pa.array(rows, pa.uint64())


def _stored(table_path: str, descriptor: Mapping[str, Any]) -> bytes:
    kind, where = descriptor["storageType"], descriptor["pathOrInlineDv"]
    if kind == "i":
        return decode_z85(where)[: descriptor["sizeInBytes"]]
    path = _relative_path(table_path, where) if kind == "u" else path_of_uri(where)
    with open(local_copy(path), "rb") as file:
        file.seek(descriptor.get("offset") or 1)
        (size,) = struct.unpack(">i", file.read(4))
        data = file.read(size)
        (checksum,) = struct.unpack(">I", file.read(4))
    if size != descriptor["sizeInBytes"]:
        raise DeltaIllegalStateException("DELTA_DELETION_VECTOR_SIZE_MISMATCH")
    if checksum != zlib.crc32(data):
        raise DeltaIllegalStateException("DELTA_DELETION_VECTOR_CHECKSUM_MISMATCH")
    return data


def _relative_path(table_path: str, text: str) -> str:
    """`<random prefix><uuid in Z85>`: a file named by the uuid, perhaps in a folder."""
    prefix, encoded = text[:-20], text[-20:]
    name = f"deletion_vector_{uuid.UUID(bytes=decode_z85(encoded))}.bin"
    return "/".join(part for part in (table_path, prefix, name) if part)


def decode_z85(text: str) -> bytes:
    """ZeroMQ's spelling of bytes, five characters for four bytes."""
    ascii85 = text.translate(str.maketrans(Z85, "".join(chr(33 + index) for index in range(85))))
    return base64.a85decode(ascii85)


def _bitmaps(data: bytes) -> Iterator[np.ndarray]:
    magic, count = struct.unpack_from("<iq", data)
    if magic != MAGIC:
        raise DeltaIllegalStateException("DELTA_DELETION_VECTOR_CHECKSUM_MISMATCH")
    position = 12
    for _ in range(count):
        (high,) = struct.unpack_from("<I", data, position)
        rows, position = _bitmap(data, position + 4)
        yield (np.uint64(high) << np.uint64(32)) | rows


def _bitmap(data: bytes, start: int) -> tuple[np.ndarray, int]:
    """A 32-bit roaring bitmap, and where it ends."""
    (cookie,) = struct.unpack_from("<I", data, start)
    position = start + 4
    runs = b""
    if cookie & 0xFFFF == WITH_RUNS:
        count = (cookie >> 16) + 1
        runs = data[position : position + (count + 7) // 8]
        position += len(runs)
    else:
        (count,) = struct.unpack_from("<I", data, position)
        position += 4
    keys = np.frombuffer(data, "<u2", count * 2, position).reshape(count, 2)
    position += 4 * count
    if not runs or count >= NO_OFFSETS_BELOW:
        position += 4 * count
    containers = []
    for index, (key, cardinality) in enumerate(keys.tolist()):
        is_run = bool(runs) and runs[index // 8] >> (index % 8) & 1
        values, position = _container(data, position, cardinality + 1, bool(is_run))
        containers.append((np.uint64(key) << np.uint64(16)) | values)
    return np.concatenate([np.empty(0, np.uint64), *containers]), position


def _container(data: bytes, position: int, cardinality: int, is_run: bool) -> tuple[np.ndarray, int]:
    if is_run:
        (count,) = struct.unpack_from("<H", data, position)
        pairs = np.frombuffer(data, "<u2", count * 2, position + 2).reshape(count, 2).tolist()
        runs = [np.arange(first, first + length + 1, dtype=np.uint64) for first, length in pairs]
        return np.concatenate(runs), position + 2 + 4 * count
    if cardinality > BITMAP_FROM:
        bits = np.unpackbits(np.frombuffer(data, np.uint8, 8192, position), bitorder="little")
        return np.flatnonzero(bits).astype(np.uint64), position + 8192
    return np.frombuffer(data, "<u2", cardinality, position).astype(np.uint64), position + 2 * cardinality
