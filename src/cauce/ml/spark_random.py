"""Spark's own generator of random numbers, and the seed of a stage that is given none."""

import struct

from cauce.ml.java_random import JavaRandom

__all__ = ["XORShiftRandom", "seed_of"]

MASK_64 = (1 << 64) - 1
ARRAY_SEED = 0x3C074A61
"""scala.util.hashing.MurmurHash3.arraySeed"""


def seed_of(class_name: str) -> int:
    """The default seed of a stage: `String.hashCode` of its class name."""
    found = 0
    for character in class_name:
        found = (31 * found + ord(character)) & 0xFFFFFFFF
    return found - (1 << 32) if found >= 1 << 31 else found


class XORShiftRandom(JavaRandom):
    """org.apache.spark.util.random.XORShiftRandom."""

    def __init__(self, seed: int) -> None:
        super().__init__(0)
        data = struct.pack(">q", seed)
        low = _murmur(data, ARRAY_SEED)
        self._state = (_murmur(data, low) << 32) | low

    def _bits(self, count: int) -> int:
        found = self._state ^ (self._state << 21) & MASK_64
        found ^= found >> 35
        found ^= (found << 4) & MASK_64
        self._state = found
        return found & ((1 << count) - 1)


def _murmur(data: bytes, seed: int) -> int:
    """MurmurHash3 of 32 bits, of whole words."""
    found = seed
    for (word,) in struct.iter_unpack("<I", data):
        mixed = _rotated(word * 0xCC9E2D51 & 0xFFFFFFFF, 15) * 0x1B873593 & 0xFFFFFFFF
        found = (_rotated(found ^ mixed, 13) * 5 + 0xE6546B64) & 0xFFFFFFFF
    found ^= len(data)
    found = (found ^ found >> 16) * 0x85EBCA6B & 0xFFFFFFFF
    found = (found ^ found >> 13) * 0xC2B2AE35 & 0xFFFFFFFF
    return found ^ found >> 16


def _rotated(word: int, by: int) -> int:
    return (word << by | word >> (32 - by)) & 0xFFFFFFFF
