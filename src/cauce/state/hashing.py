"""128-bit hashes of key rows, computed with numpy over Arrow buffers.

The hash is multilinear (Lemire and Kaser, "Strongly universal string hashing is fast"): a key is a
sequence of 32-bit words w[j]; each of four 64-bit lanes is m[0] + sum(m[j] * w[j]) modulo 2**64 with secret
multipliers m, and gives its upper 32 bits. For any two different keys the chance, over the secret, that all
four lanes agree is 2**-128. The secret is drawn afresh whenever a store is opened and the hash never
reaches the disk, so nobody can prepare colliding keys. That is why an index may take an equal hash for an
equal key: among a billion keys the chance of a single mistake is below 2**-68.

Equal keys by Spark's rules give equal words: -0.0 is 0.0, every NaN is one NaN, a null is a flag with zero
words, a struct is its fields behind a flag, a list is the sequence of its elements' hashes.
"""

import hashlib
from collections.abc import Iterator

import numpy as np
import pyarrow as pa

__all__ = ["KeyHasher"]

LANES = 4
LONG_BYTES = 128
"""Longer byte strings are hashed one row at a time, vectorised along the row."""

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
MIX_2 = np.uint64(0x94D049BB133111EB)


def _mix(x: np.ndarray) -> np.ndarray:
    """The finaliser of splitmix64: a bijection that leaves no arithmetic pattern of its input."""
    x = (x ^ (x >> np.uint64(30))) * MIX_1
    x = (x ^ (x >> np.uint64(27))) * MIX_2
    return x ^ (x >> np.uint64(31))


class _Multipliers:
    """The secret multipliers of one word stream: row j holds the four lanes' multipliers of word j."""

    def __init__(self, secret: bytes, stream: str) -> None:
        digest = hashlib.blake2b(stream.encode(), key=secret, digest_size=8 * LANES).digest()
        self._lane_seeds = np.frombuffer(digest, dtype="<u8").astype(np.uint64)
        self._cached = self._make(0, 2 * LONG_BYTES // 4)

    def _make(self, start: int, stop: int) -> np.ndarray:
        counters = np.arange(start, stop, dtype=np.uint64)[:, None] * GOLDEN
        return _mix(self._lane_seeds + counters)

    def rows(self, start: int, stop: int) -> np.ndarray:
        if stop > len(self._cached):
            return self._make(start, stop)
        return self._cached[start:stop]


class KeyHasher:
    """Hashes rows of one schema: called with its columns, gives uint64[n, 2]."""

    def __init__(self, types: list[pa.DataType], secret: bytes, stream: str = "key") -> None:
        """`secret` is 16 random bytes; `stream` keeps the multipliers of nested hashers apart."""
        self._leaves = [leaf for type_ in types for leaf in _leaf_types(type_)]
        self._fixed_words = [_fixed_words(leaf) for leaf in self._leaves]
        self._flag_words = -(-len(self._leaves) // 32)
        self._ragged: dict[int, _Multipliers] = {}
        self._children: dict[int, KeyHasher] = {}
        self._is_flat = types == self._leaves
        for i, leaf in enumerate(self._leaves):
            if _is_ragged(leaf):
                self._ragged[i] = _Multipliers(secret, f"{stream}.{i}")
            if pa.types.is_list(leaf) or pa.types.is_large_list(leaf):
                self._children[i] = KeyHasher([leaf.value_type], secret, f"{stream}.{i}.element")
        width = self._flag_words + sum(self._fixed_words)
        multipliers = _Multipliers(secret, stream).rows(0, width + 1)
        self._first, self._multipliers = multipliers[0], multipliers[1:]

    def __call__(self, columns: list[pa.Array]) -> np.ndarray:
        n = len(columns[0])
        if not n:
            return np.empty((0, 2), dtype=np.uint64)
        words = np.zeros((n, len(self._multipliers)), dtype=np.uint64)
        at = self._flag_words
        ragged = []
        leaves = columns if self._is_flat else [leaf for column in columns for leaf in _leaves(column)]
        for i, (leaf, width) in enumerate(zip(leaves, self._fixed_words, strict=True)):
            valid = _valid(leaf)
            if width:
                words[:, at : at + width] = _words(leaf)
                if valid is not None:
                    words[~valid, at : at + width] = 0
                at += width
            elif i in self._ragged:
                ragged.append((i, leaf, valid))
            if valid is not None:
                words[~valid, i // 32] |= np.uint64(1 << (i % 32))
        lanes = words @ self._multipliers
        lanes += self._first
        for i, leaf, valid in ragged:
            lanes += self._ragged_lanes(i, leaf, valid)
        return _finish(lanes)

    def _ragged_lanes(self, i: int, leaf: pa.Array, valid: np.ndarray | None) -> np.ndarray:
        offsets = _offsets(leaf)
        starts, lengths = offsets[:-1] - offsets[0], offsets[1:] - offsets[:-1]
        if valid is not None:
            lengths = np.where(valid, lengths, 0)
        first, last = int(offsets[0]), int(offsets[-1])
        if i in self._children:
            elements = self._children[i]([leaf.values.slice(first, last - first)])
            return _ragged_lanes(elements.view(np.uint8).ravel(), starts * 16, lengths * 16, self._ragged[i])
        data = leaf.buffers()[2]
        content = np.frombuffer(data, dtype=np.uint8)[first:last] if data else np.empty(0, np.uint8)
        return _ragged_lanes(content, starts, lengths, self._ragged[i])


def _finish(lanes: np.ndarray) -> np.ndarray:
    """The upper half of each lane, as two words; the first, which picks slots, is scrambled once more."""
    upper = np.ascontiguousarray(lanes.astype("<u8", copy=False).view("<u4")[:, 1::2])
    hashes = upper.view("<u8")
    hashes[:, 0] = _mix(hashes[:, 0])
    return hashes


def _leaf_types(type_: pa.DataType) -> Iterator[pa.DataType]:
    """The columns a type flattens to: a struct itself (its null flag), then its fields."""
    type_ = _plain_type(type_)
    yield type_
    if pa.types.is_struct(type_):
        for field in type_:
            yield from _leaf_types(field.type)


def _leaves(array: pa.Array) -> Iterator[pa.Array]:
    wanted = _plain_type(array.type)
    if wanted != array.type:
        array = array.storage if isinstance(array, pa.ExtensionArray) else array.cast(wanted)
    yield array
    if pa.types.is_struct(wanted):
        for child in array.flatten():
            yield from _leaves(child)


def _plain_type(type_: pa.DataType) -> pa.DataType:
    """The type whose buffers are read: encodings of the same values are brought to one."""
    if isinstance(type_, pa.BaseExtensionType):
        return _plain_type(type_.storage_type)
    if pa.types.is_dictionary(type_):
        return _plain_type(type_.value_type)
    if pa.types.is_string_view(type_):
        return pa.string()
    if pa.types.is_binary_view(type_):
        return pa.binary()
    if pa.types.is_fixed_size_list(type_):
        return pa.list_(type_.value_field)
    if pa.types.is_map(type_):
        return pa.list_(pa.struct([type_.key_field, type_.item_field]))
    return type_


def _is_ragged(type_: pa.DataType) -> bool:
    tests = (
        pa.types.is_string,
        pa.types.is_binary,
        pa.types.is_large_string,
        pa.types.is_large_binary,
        pa.types.is_list,
        pa.types.is_large_list,
    )
    return any(test(type_) for test in tests)


def _fixed_words(type_: pa.DataType) -> int:
    if pa.types.is_struct(type_) or pa.types.is_null(type_) or _is_ragged(type_):
        return 0
    return -(-type_.bit_width // 32)


def _valid(array: pa.Array) -> np.ndarray | None:
    """bool[n], or None when nothing is null."""
    if not array.null_count:
        return None
    return np.asarray(array.is_valid())


def _words(array: pa.Array) -> np.ndarray:
    """The values as 32-bit words, uint[n, k]; what stands under a null is arbitrary."""
    n, start, type_ = len(array), array.offset, array.type
    data = array.buffers()[1]
    if data is None:
        return np.zeros((n, 1), dtype=np.uint32)
    if pa.types.is_boolean(type_):
        bits = np.unpackbits(np.frombuffer(data, dtype=np.uint8), bitorder="little")
        return bits[start : start + n, None]
    size = type_.bit_width // 8
    content = np.frombuffer(data, dtype=np.uint8)[start * size : (start + n) * size]
    if pa.types.is_floating(type_):
        return _float_words(content.view(f"<f{size}"))
    if size < 4:
        return content.view(f"<u{size}")[:, None] if size in (1, 2) else _padded(content.reshape(n, size))
    return content.view("<u4").reshape(n, -1) if size % 4 == 0 else _padded(content.reshape(n, size))


def _float_words(values: np.ndarray) -> np.ndarray:
    values = values + values.dtype.type(0)  # -0.0 + 0.0 is 0.0
    values[np.isnan(values)] = np.nan
    if values.itemsize == 2:
        return values.view("<u2")[:, None]
    return values.view("<u4").reshape(len(values), -1)


def _padded(rows: np.ndarray) -> np.ndarray:
    n, size = rows.shape
    wide = np.zeros((n, -(-size // 4) * 4), dtype=np.uint8)
    wide[:, :size] = rows
    return wide.view("<u4")


def _offsets(array: pa.Array) -> np.ndarray:
    """int64[n + 1] into the data of a string, binary or list array."""
    type_ = array.type
    large = (
        pa.types.is_large_string(type_) or pa.types.is_large_binary(type_) or pa.types.is_large_list(type_)
    )
    offsets = np.frombuffer(array.buffers()[1], dtype="<i8" if large else "<i4")
    return offsets[array.offset : array.offset + len(array) + 1].astype(np.int64)


def _ragged_lanes(
    content: np.ndarray, starts: np.ndarray, lengths: np.ndarray, multipliers: _Multipliers
) -> np.ndarray:
    """The lanes of byte strings: their length, then their bytes as 32-bit words, zero-padded."""
    length_words = lengths.astype("<u8").view("<u4").reshape(-1, 2).astype(np.uint64)
    lanes = length_words @ multipliers.rows(0, 2)
    # Eight bytes at every byte offset, without a copy; seven more bytes so that the last is readable.
    padded = np.concatenate([content, np.zeros(8, dtype=np.uint8)])
    words = np.ndarray((len(padded) - 7,), dtype="<u8", buffer=padded, strides=(1,))
    short = np.flatnonzero((lengths > 0) & (lengths <= LONG_BYTES))
    rest, offset = lengths[short], 0
    while len(short):
        word = words[starts[short] + offset]
        keep = np.minimum(rest, 8)
        word = word & (np.uint64(2**64 - 1) >> ((8 - keep) * 8).astype(np.uint64))
        pair = word.view("<u4").reshape(-1, 2).astype(np.uint64)
        lanes[short] += pair @ multipliers.rows(2 + offset // 4, 4 + offset // 4)
        offset += 8
        more = rest > 8
        short, rest = short[more], rest[more] - 8
    for row in np.flatnonzero(lengths > LONG_BYTES):  # One row is long enough to be worth numpy calls.
        lanes[row] += _long_lanes(content[starts[row] : starts[row] + lengths[row]], multipliers)
    return lanes


def _long_lanes(content: np.ndarray, multipliers: _Multipliers) -> np.ndarray:
    pair = _padded(content[None, :])[0].astype(np.uint64)
    return pair @ multipliers.rows(2, 2 + len(pair))
