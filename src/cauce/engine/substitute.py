"""Putting data in the place of a relation's input leaves."""

from collections.abc import Iterator, Mapping

import pyarrow as pa
from google.protobuf.message import Message
from pyspark.sql.connect.proto import CachedRemoteRelation, LocalRelation, Relation
from pyspark.sql.types import StructType

__all__ = ["Template", "arrow_ipc", "filled_batches", "input_leaf", "local_relation"]

FILE_FORMATS = ("csv", "json", "orc", "parquet", "text")
"""The formats that every session reads alike."""


def input_leaf(name: str, plan_id: int | None = None) -> Relation:
    """A leaf that `EngineSession.run` replaces by the input called `name`."""
    leaf = Relation(cached_remote_relation=CachedRemoteRelation(relation_id=name))
    if plan_id is not None:
        leaf.common.plan_id = plan_id
    return leaf


def arrow_ipc(table: pa.Table) -> bytes:
    """The table as an Arrow IPC stream; at least one batch, because Sail takes the schema from it.

    Other batches without rows are left out: some functions of Sail, from_json among them, fail on one.
    """
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        for batch in filled_batches(table) or [_empty_batch(table.schema)]:
            writer.write_batch(batch)
    return sink.getvalue().to_pybytes()


def filled_batches(table: pa.Table) -> list[pa.RecordBatch]:
    """The table's batches that have rows."""
    return [batch for batch in table.to_batches() if batch.num_rows]


def _empty_batch(schema: pa.Schema) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays([pa.nulls(0, field.type) for field in schema], schema=schema)


def local_relation(table: pa.Table) -> Relation:
    """The table inline, as the client's own createDataFrame sends it."""
    return Relation(local_relation=LocalRelation(data=arrow_ipc(table)))


class Template:
    """A relation whose input leaves were found once, so that a batch does not walk the plan."""

    def __init__(self, relation: Relation) -> None:
        self.relation = Relation()
        self.relation.CopyFrom(relation)
        self._leaves = list(_input_leaves(self.relation))
        self.names = [leaf.cached_remote_relation.relation_id for leaf in self._leaves]
        self._plan_ids = [leaf.common.plan_id for leaf in self._leaves]
        self.ordered = any(True for _ in _sorts(self.relation))
        """Whether the rows have an order to keep: Sail drops a sort below a mapInArrow."""
        self.by_name = any(_asks_by_name(part) for part in _relations(self.relation))
        """Whether a part is looked up in the session: a table, a view, a data source."""
        self.output_schema: StructType | None = None
        """Filled in by the first large run."""

    @classmethod
    def leaf(cls, name: str) -> "Template":
        """The relation that is one input and nothing else."""
        return cls(input_leaf(name))

    def fill(self, inputs: Mapping[str, Relation]) -> Relation:
        """The relation with every leaf replaced; valid until the next call."""
        for leaf, name, plan_id in zip(self._leaves, self.names, self._plan_ids, strict=True):
            leaf.CopyFrom(inputs[name])
            leaf.common.plan_id = plan_id
        return self.relation


def _input_leaves(relation: Relation) -> Iterator[Relation]:
    return (r for r in _relations(relation) if r.WhichOneof("rel_type") == "cached_remote_relation")


def _sorts(relation: Relation) -> Iterator[Relation]:
    return (r for r in _relations(relation) if r.WhichOneof("rel_type") == "sort")


def _asks_by_name(relation: Relation) -> bool:
    match relation.WhichOneof("rel_type"):
        case "read":
            read = relation.read
            return read.HasField("named_table") or read.data_source.format.lower() not in FILE_FORMATS
        case "sql" | "catalog" | "unresolved_table_valued_function" | "with_relations":
            return True
    return False


def _relations(message: Message) -> Iterator[Relation]:
    """Every relation inside a message, outermost first."""
    if isinstance(message, Relation):
        yield message
    for field, value in message.ListFields():
        if field.message_type is None or field.message_type.GetOptions().map_entry:
            continue
        for child in value if field.is_repeated else (value,):
            yield from _relations(child)
