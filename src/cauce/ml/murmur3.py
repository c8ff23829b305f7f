"""MurmurHash3 of columns, seed 42, as Spark's HashingTF and FeatureHasher reckon it."""

import numpy as np
import pyarrow as pa

__all__ = ["SEED", "hash_ints", "hash_longs", "hash_strings", "non_negative_mod"]

SEED = 42
C1, C2 = np.uint32(0xCC9E2D51), np.uint32(0x1B873593)


def hash_strings(texts: pa.Array) -> np.ndarray:
    """int32 of the UTF-8 bytes. No nulls. One step per four bytes of the longest text."""
    texts = texts.cast(pa.large_string())
    buffers = texts.buffers()
    offsets = np.frombuffer(buffers[1], dtype=np.int64)[texts.offset : texts.offset + len(texts) + 1]
    data = np.frombuffer(buffers[2] or b"", dtype=np.uint8)
    starts, lengths = offsets[:-1], np.diff(offsets)
    data = np.concatenate([data, np.zeros(4, dtype=np.uint8)])
    hashes = np.full(len(texts), SEED, dtype=np.uint32)
    words = lengths // 4
    for step in range(int(words.max(initial=0))):
        rows = np.flatnonzero(words > step)
        hashes[rows] = _mix(hashes[rows], _word(data, starts[rows] + 4 * step, 4))
    tails = lengths % 4
    rows = np.flatnonzero(tails)
    hashes[rows] ^= _mix_word(_word(data, starts[rows] + 4 * words[rows], tails[rows]))
    return _finish(hashes, lengths.astype(np.uint32))


def hash_ints(numbers: np.ndarray) -> np.ndarray:
    """int32 of 32-bit numbers."""
    hashes = np.full(len(numbers), SEED, dtype=np.uint32)
    mixed = _mix(hashes, numbers.astype(np.int32).view(np.uint32))
    return _finish(mixed, np.uint32(4))


def hash_longs(numbers: np.ndarray) -> np.ndarray:
    """int32 of 64-bit numbers."""
    bits = numbers.astype(np.int64).view(np.uint64)
    hashes = np.full(len(numbers), SEED, dtype=np.uint32)
    hashes = _mix(hashes, (bits & np.uint64(0xFFFFFFFF)).astype(np.uint32))
    return _finish(_mix(hashes, (bits >> np.uint64(32)).astype(np.uint32)), np.uint32(8))


def non_negative_mod(hashes: np.ndarray, size: int) -> np.ndarray:
    """Places in a vector of this size."""
    return np.mod(hashes.astype(np.int64), size)


def _word(data: np.ndarray, starts: np.ndarray, count: np.ndarray | int) -> np.ndarray:
    """Up to four bytes from each start, the first the lowest."""
    word = np.zeros(len(starts), dtype=np.uint32)
    for place in range(4):
        part = data[starts + place].astype(np.uint32) << np.uint32(8 * place)
        word |= np.where(place < count, part, np.uint32(0))
    return word


def _mix_word(word: np.ndarray) -> np.ndarray:
    word = word * C1
    word = (word << np.uint32(15)) | (word >> np.uint32(17))
    return word * C2


def _mix(hashes: np.ndarray, word: np.ndarray) -> np.ndarray:
    hashes = hashes ^ _mix_word(word)
    hashes = (hashes << np.uint32(13)) | (hashes >> np.uint32(19))
    return hashes * np.uint32(5) + np.uint32(0xE6546B64)


def _finish(hashes: np.ndarray, lengths: np.ndarray | np.uint32) -> np.ndarray:
    hashes = hashes ^ lengths
    hashes = (hashes ^ (hashes >> np.uint32(16))) * np.uint32(0x85EBCA6B)
    hashes = (hashes ^ (hashes >> np.uint32(13))) * np.uint32(0xC2B2AE35)
    return (hashes ^ (hashes >> np.uint32(16))).view(np.int32)
