"""Spark's xxhash64 of a whole column at once: XXH64 of each value's bytes, with seed 42.

The algorithm is Yann Collet's (xxhash.com); what Spark feeds it per type is in hash.scala: whole numbers
of up to 32 bits as four bytes, longer ones as eight, a struct field by field with the hash so far as
seed, and a null as nothing.
"""

import numpy as np
import pyarrow as pa

from cauce.streaming.operators.aggregates.decimals import unscaled_words
from cauce.streaming.operators.kernels import pc
from cauce.streaming.operators.physical import normalized, physical

__all__ = ["is_hashable", "xxhash64"]

P1, P2, P3 = np.uint64(0x9E3779B185EBCA87), np.uint64(0xC2B2AE3D27D4EB4F), np.uint64(0x165667B19E3779F9)
P4, P5 = np.uint64(0x85EBCA77C2B2AE63), np.uint64(0x27D4EB2F165667C5)

Hashes = np.ndarray
"""Unsigned 64-bit integers."""


def is_hashable(data_type: pa.DataType) -> bool:
    if pa.types.is_struct(data_type):
        return all(is_hashable(data_type.field(i).type) for i in range(data_type.num_fields))
    return not pa.types.is_nested(data_type)


def xxhash64(column: pa.Array, seeds: Hashes | None = None) -> Hashes:
    """One hash per value; where the value is null, the seed itself."""
    if seeds is None:
        seeds = np.full(len(column), 42, np.uint64)
    if pa.types.is_struct(column.type):
        hashes = seeds
        for i in range(column.type.num_fields):
            hashes = xxhash64(pc.struct_field(column, i), hashes)
        return hashes
    valid = column.is_valid().to_numpy(zero_copy_only=False)
    if valid.all():
        return _hash(normalized(physical(column)), seeds)
    hashes = seeds.copy()
    hashes[valid] = _hash(normalized(physical(column.drop_null())), seeds[valid])
    return hashes


def _hash(values: pa.Array, seeds: Hashes) -> Hashes:
    """Values without nulls, of physical type."""
    kind = values.type
    if pa.types.is_string(kind) or pa.types.is_binary(kind):
        return _of_bytes(values, seeds)
    if pa.types.is_decimal(kind):
        return _of_decimals(values, seeds)
    if pa.types.is_boolean(kind):
        values = values.cast(pa.int32())
    if pa.types.is_floating(kind):
        values = values.view(pa.int32() if kind.bit_width == 32 else pa.int64())
    numbers = values.to_numpy(zero_copy_only=False)
    return _of_longs(numbers, seeds) if values.type == pa.int64() else _of_ints(numbers, seeds)


def _of_ints(numbers: np.ndarray, seeds: Hashes) -> Hashes:
    words = numbers.astype(np.int32).view(np.uint32).astype(np.uint64)
    return _finish(_mix_four(seeds + P5 + np.uint64(4), words))


def _of_longs(numbers: np.ndarray, seeds: Hashes) -> Hashes:
    return _finish(_mix_eight(seeds + P5 + np.uint64(8), numbers.view(np.uint64)))


def _of_decimals(values: pa.Array, seeds: Hashes) -> Hashes:
    """Up to 18 digits as a long, more as the bytes of a big-endian integer."""
    words = unscaled_words(values)
    if values.type.precision <= 18:
        return _of_longs(np.ascontiguousarray(words[:, 0]), seeds)
    # A loop over values: how many bytes Java writes depends on each of them.
    pairs = zip(words[:, 1].tolist(), words[:, 0].view(np.uint64).tolist(), strict=True)
    unscaled = [(high << 64) | low for high, low in pairs]
    as_bytes = [number.to_bytes(_java_length(number), "big", signed=True) for number in unscaled]
    return _of_bytes(pa.array(as_bytes, pa.binary()), seeds)


def _java_length(number: int) -> int:
    """Bytes of BigInteger.toByteArray: the fewest that keep the sign."""
    return (number if number >= 0 else ~number).bit_length() // 8 + 1


def _of_bytes(values: pa.Array, seeds: Hashes) -> Hashes:
    """Values of equal length are hashed together."""
    offsets = np.frombuffer(values.buffers()[1], np.int32)[values.offset :][: len(values) + 1]
    data = np.frombuffer(values.buffers()[2] or b"", np.uint8)
    lengths = np.diff(offsets)
    hashes = np.empty(len(values), np.uint64)
    for length in np.unique(lengths):
        members = np.flatnonzero(lengths == length)
        matrix = data[offsets[members][:, None] + np.arange(length)]
        hashes[members] = _of_matrix(matrix, seeds[members])
    return hashes


def _of_matrix(matrix: np.ndarray, seeds: Hashes) -> Hashes:
    """One value per row, all of one length."""
    length, position = matrix.shape[1], 0
    hashes = seeds + P5
    if length >= 32:
        position = length // 32 * 32
        hashes = _of_stripes(_words(matrix[:, :position], np.uint64), seeds)
    hashes = hashes + np.uint64(length)
    while position + 8 <= length:
        hashes = _mix_eight(hashes, _words(matrix[:, position : position + 8], np.uint64)[:, 0])
        position += 8
    if position + 4 <= length:
        words = _words(matrix[:, position : position + 4], np.uint32)[:, 0].astype(np.uint64)
        hashes = _mix_four(hashes, words)
        position += 4
    for column in range(position, length):
        hashes = _rotate(hashes ^ matrix[:, column].astype(np.uint64) * P5, 11) * P1
    return _finish(hashes)


def _of_stripes(words: np.ndarray, seeds: Hashes) -> Hashes:
    """Four lanes of eight bytes each, over all stripes of 32 bytes."""
    lanes = [seeds + P1 + P2, seeds + P2, seeds, seeds - P1]
    for i in range(words.shape[1]):
        lanes[i % 4] = _rotate(lanes[i % 4] + words[:, i] * P2, 31) * P1
    hashes = _rotate(lanes[0], 1) + _rotate(lanes[1], 7) + _rotate(lanes[2], 12) + _rotate(lanes[3], 18)
    for lane in lanes:
        hashes = (hashes ^ _rotate(lane * P2, 31) * P1) * P1 + P4
    return hashes


def _mix_four(hashes: Hashes, words: Hashes) -> Hashes:
    return _rotate(hashes ^ words * P1, 23) * P2 + P3


def _mix_eight(hashes: Hashes, words: Hashes) -> Hashes:
    return _rotate(hashes ^ _rotate(words * P2, 31) * P1, 27) * P1 + P4


def _finish(hashes: Hashes) -> Hashes:
    hashes = (hashes ^ hashes >> np.uint64(33)) * P2
    hashes = (hashes ^ hashes >> np.uint64(29)) * P3
    return hashes ^ hashes >> np.uint64(32)


def _rotate(words: Hashes, bits: int) -> Hashes:
    return words << np.uint64(bits) | words >> np.uint64(64 - bits)


def _words(matrix: np.ndarray, word: type) -> np.ndarray:
    return np.ascontiguousarray(matrix).view(word)
