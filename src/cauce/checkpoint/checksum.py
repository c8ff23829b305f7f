"""Hadoop's checksum files: `.N.crc` beside `N`, so that a changed or shortened file is noticed.

Spark's files carry no checksum of their own, and a bare number such as the rate source's offset is
still a number after losing a digit. Apache Spark on a local disk writes and checks the same files.
"""

import struct
import zlib

__all__ = ["checksum_name", "checksum_of", "contradicts"]

MAGIC = b"crc\0"
CHUNK_BYTES = 512


def checksum_name(name: str) -> str:
    return f".{name}.crc"


def checksum_of(data: bytes) -> bytes:
    """Magic, chunk length, then the CRC-32 of each chunk, all big-endian."""
    chunks = range(0, len(data), CHUNK_BYTES)
    sums = [zlib.crc32(data[start : start + CHUNK_BYTES]) for start in chunks]
    return MAGIC + struct.pack(f">i{len(sums)}I", CHUNK_BYTES, *sums)


def contradicts(checksum: bytes, data: bytes) -> bool:
    """Whether a checksum file says that `data` is not what was written.

    It is not synced, so a power loss can leave it empty or cut; what is left of it still counts.
    """
    return checksum.startswith(checksum_of(b"")) and not checksum_of(data).startswith(checksum)
