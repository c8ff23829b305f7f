"""The bytes of one segment: an Arrow IPC stream of rows, the rows it kills, a trailer, checksums.

    Arrow IPC stream     keys and values of the rows, one batch; any Arrow reader opens the file
    kills                int64, little-endian: positions of rows that no longer live
    trailer              JSON: where the parts are, the segments of this version, a checksum per block
    footer, 16 bytes     trailer length and CRC-32 (uint32 each), then the magic

Every byte is covered: blocks by the checksums in the trailer, the trailer by the footer, the footer by being
compared. A damaged file is refused with its name and the offset of the damage.
"""

import json
import struct
import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from cauce.errors import SparkError

__all__ = ["Encoded", "Manifest", "SegmentFile", "damaged", "decode", "encode", "read_trailer"]

MAGIC = b"CAUCESG1"
FOOTER = struct.Struct("<II8s")
BLOCK_BYTES = 1 << 20
END_OF_STREAM = b"\xff\xff\xff\xff\x00\x00\x00\x00"

Manifest = list[tuple[str, int]]
"""Older segments that a version needs: file name, and the CRC-32 of its trailer."""


@dataclass(frozen=True)
class SegmentFile:
    """A checked segment; `rows` and `kills` look into `buffer`."""

    version: int
    base: int
    """The position of the first row in the store's log."""
    rows: pa.RecordBatch
    num_keys: int
    """How many leading columns are the key."""
    kills: np.ndarray
    manifest: Manifest
    checksum: int
    """CRC-32 of the trailer, which covers the whole file."""
    size_bytes: int
    place: tuple[int, int]
    """Where in the file the rows are: offset and length."""
    rewritten: int
    """How many of the last rows were only moved here by compaction."""


@dataclass(frozen=True)
class Encoded:
    """A segment's bytes, in two parts so that the large one is copied once."""

    body: bytes
    tail: bytes
    checksum: int
    place: tuple[int, int]
    """Where in the body the rows are: offset and length."""

    @property
    def size_bytes(self) -> int:
        return len(self.body) + len(self.tail)


def encode(
    rows: pa.RecordBatch,
    num_keys: int,
    kills: np.ndarray,
    *,
    version: int,
    base: int,
    manifest: Manifest,
    rewritten: int = 0,
) -> Encoded:
    """The bytes of a segment: body, trailer, footer."""
    schema, batch = rows.schema.serialize(), rows.serialize()
    stream_bytes = schema.size + batch.size + len(END_OF_STREAM)
    body = b"".join((schema, batch, END_OF_STREAM, bytes(-stream_bytes % 8), kills.astype("<i8").data))
    trailer = {
        "version": version,
        "base": base,
        "schema": [0, schema.size],
        "batch": [schema.size, batch.size],
        "keys": num_keys,
        "rewritten": rewritten,
        "kills": [stream_bytes + -stream_bytes % 8, len(kills)],
        "segments": manifest,
        "blockBytes": BLOCK_BYTES,
        "blocks": _checksums(memoryview(body), BLOCK_BYTES),
    }
    text = json.dumps(trailer, separators=(",", ":")).encode()
    checksum = zlib.crc32(text)
    footer = FOOTER.pack(len(text), checksum, MAGIC)
    return Encoded(body, text + footer, checksum, (schema.size, batch.size))


def decode(buffer: pa.Buffer, path: str) -> SegmentFile:
    """Check every byte of a segment and open it without copying; SparkError if it is damaged."""
    trailer, checksum, body_bytes = _trailer(buffer, path)
    _check_blocks(memoryview(buffer)[:body_bytes], trailer, path)
    schema = pa.ipc.read_schema(buffer.slice(*trailer["schema"]))
    rows = pa.ipc.read_record_batch(buffer.slice(*trailer["batch"]), schema)
    kills_offset, num_kills = trailer["kills"]
    return SegmentFile(
        version=trailer["version"],
        base=trailer["base"],
        rows=rows,
        num_keys=trailer["keys"],
        kills=np.frombuffer(buffer, dtype="<i8", count=num_kills, offset=kills_offset),
        manifest=[(name, crc) for name, crc in trailer["segments"]],
        checksum=checksum,
        size_bytes=buffer.size,
        place=tuple(trailer["batch"]),
        rewritten=trailer.get("rewritten", 0),
    )


def read_trailer(buffer: pa.Buffer, path: str) -> tuple[Manifest, int]:
    """The manifest and the checksum, without looking at the rows."""
    trailer, checksum, _ = _trailer(buffer, path)
    return [(name, crc) for name, crc in trailer["segments"]], checksum


def _trailer(buffer: pa.Buffer, path: str) -> tuple[dict[str, Any], int, int]:
    """The trailer, its checksum, and how many bytes stand before it."""
    view = memoryview(buffer)
    if len(view) < FOOTER.size:
        raise damaged(path, len(view), "the file ends before its footer")
    length, checksum, magic = FOOTER.unpack(view[-FOOTER.size :])
    start = len(view) - FOOTER.size - length
    if magic != MAGIC:
        raise damaged(path, len(view) - len(MAGIC), "the file does not end with the mark of a segment")
    if start < 0 or zlib.crc32(view[start : start + length]) != checksum:
        raise damaged(path, max(start, 0), "the trailer does not match its checksum")
    return json.loads(bytes(view[start : start + length])), checksum, start


def _check_blocks(body: memoryview, trailer: dict[str, Any], path: str) -> None:
    block_bytes, expected = trailer["blockBytes"], trailer["blocks"]
    for i, (was, is_now) in enumerate(zip(expected, _checksums(body, block_bytes), strict=True)):
        if was != is_now:
            raise damaged(path, i * block_bytes, f"expected checksum {was:08x}, found {is_now:08x}")


def _checksums(body: memoryview, block_bytes: int) -> list[int]:
    return [zlib.crc32(body[start : start + block_bytes]) for start in range(0, len(body), block_bytes)]


def damaged(path: str, offset: int, reason: str) -> SparkError:
    """The error that names a segment and where in it the damage is."""
    return SparkError("CANNOT_LOAD_STATE_STORE.DAMAGED_SEGMENT", file=path, offset=offset, reason=reason)
