"""How the columns of a state store read as the key and the value that Spark shows of them, and back.

A store keeps flat columns in the types the kernels take. People, and Spark's `statestore` source, see a
struct called key and one called value. A layout says where every field of the two comes from, and is written
into the checkpoint, so that state can be read without the query.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from cauce.streaming.operators.kernels import Column, pc
from cauce.streaming.operators.keys import GroupKeys
from cauce.streaming.operators.physical import logical, one_piece, physical

__all__ = ["Part", "Source", "StoreLayout", "column_parts", "key_parts"]

NO_TIMEOUT_MS = -1


@dataclass(frozen=True)
class Source:
    """Where a field comes from.

    `how` is one of: `key` (the logical key column of that number), `column` (a stored column), `struct` (its
    parts, null where the stored column called `name` is false), `millis` (a stored column of microseconds),
    `missing` (whether a stored column is null) and `nothing`.
    """

    how: str
    name: str = ""
    number: int = 0
    parts: "tuple[Part, ...]" = ()


@dataclass(frozen=True)
class Part:
    """One field of the key or the value: its name, its type in Arrow, where it comes from."""

    name: str
    type: pa.DataType
    source: Source
    nullable: bool = True

    @property
    def field(self) -> pa.Field:
        """As a column of a table."""
        return pa.field(self.name, self.type)

    @property
    def declared(self) -> pa.Field:
        """As Spark declares it."""
        return pa.field(self.name, self.type, self.nullable)


@dataclass(frozen=True)
class StoreLayout:
    """One store: what it is made of, and how that reads."""

    keys: GroupKeys
    value_schema: pa.Schema
    key: tuple[Part, ...]
    value: tuple[Part, ...]
    event_time: str | None = None
    multi_row: bool = False
    hidden: frozenset[str] = field(default_factory=frozenset)
    """Names of value parts that Spark's `joinSide` does not show."""

    @property
    def key_schema(self) -> pa.Schema:
        return self.keys.schema

    def key_rows(self, rows: pa.Table) -> pa.Array:
        """The key structs of stored rows."""
        return _struct(self.key, rows, self.keys.restore(rows))

    def value_rows(self, rows: pa.Table) -> pa.Array:
        """The value structs of stored rows."""
        return _struct(self.value, rows, self.keys.restore(rows))

    def stored_keys(self, keys: pa.Array) -> pa.Table:
        """The stored key columns of key structs: the reverse of `key_rows`."""
        columns = dict(_key_columns(self.key, keys))
        named = [columns[i].cast(kind) for i, kind in enumerate(self.keys.types)]
        if not named:
            return self.keys.flatten(pa.table({"row": pa.nulls(len(keys))}))
        return self.keys.flatten(pa.table(named, names=list(self.keys.names)))

    def stored_values(self, values: pa.Array, keys: pa.Table, old: pa.Table) -> pa.Table:
        """The stored value columns of value structs; what those do not say stays as in the `old` rows."""
        given = dict(_stored(self.value, values))
        times = self.keys.event_time_us(keys)
        if times is not None and self.event_time is not None:
            given[self.event_time] = one_piece(times)
        columns = [
            given[name].cast(self.value_schema.field(name).type) if name in given else old.column(name)
            for name in self.value_schema.names
        ]
        return pa.Table.from_arrays(columns, schema=self.value_schema)


def key_parts(titles: Sequence[str], keys: GroupKeys) -> tuple[Part, ...]:
    """The keys as they are, under the names that a user knows."""
    pairs = enumerate(zip(titles, keys.types, strict=True))
    return tuple(Part(title, kind, Source("key", number=i)) for i, (title, kind) in pairs)


def column_parts(schema: pa.Schema) -> tuple[Part, ...]:
    """Stored columns as they are."""
    return tuple(Part(f.name, f.type, Source("column", f.name), f.nullable) for f in schema)


def _struct(parts: Sequence[Part], rows: pa.Table, keys: Sequence[Column]) -> pa.StructArray:
    if not parts:
        return pa.array([{}] * rows.num_rows, pa.struct([]))
    columns = [_read(part, rows, keys) for part in parts]
    return pa.StructArray.from_arrays(columns, fields=[part.field for part in parts])


def _read(part: Part, rows: pa.Table, keys: Sequence[Column]) -> pa.Array:
    source = part.source
    match source.how:
        case "key":
            return one_piece(keys[source.number])
        case "column":
            return logical(one_piece(rows.column(source.name)), part.type)
        case "millis":
            return pc.fill_null(pc.divide(one_piece(rows.column(source.name)), 1000), NO_TIMEOUT_MS)
        case "missing":
            return pc.is_null(one_piece(rows.column(source.name)))
        case "struct":
            mask = pc.invert(one_piece(rows.column(source.name))) if source.name else None
            columns = [_read(p, rows, keys) for p in source.parts]
            return pa.StructArray.from_arrays(columns, fields=[p.field for p in source.parts], mask=mask)
    return pa.nulls(rows.num_rows, part.type)


def _key_columns(parts: Sequence[Part], keys: pa.Array) -> list[tuple[int, pa.Array]]:
    """(number, array) of every part that is a key column; a map's own key is a struct of some."""
    found = []
    for i, part in enumerate(parts):
        array = pc.struct_field(keys, i)
        if part.source.how == "key":
            found.append((part.source.number, array))
        elif part.source.how == "struct":
            found += _key_columns(part.source.parts, array)
    return found


def _stored(parts: Sequence[Part], values: pa.Array) -> list[tuple[str, pa.Array]]:
    """(stored column, array) of every part that is one."""
    found = []
    for i, part in enumerate(parts):
        array, source = pc.struct_field(values, i), part.source
        match source.how:
            case "column":
                found.append((source.name, physical(array.cast(part.type))))
            case "millis":
                times = pc.if_else(pc.equal(array, NO_TIMEOUT_MS), pa.scalar(None, pa.int64()), array)
                found.append((source.name, pc.multiply(times, 1000)))
            case "struct":
                found += _stored(source.parts, array)
                if source.name:
                    found.append((source.name, pc.is_valid(array)))
    return found
