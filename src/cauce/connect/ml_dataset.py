"""The rows a stage is fitted to or judged by, read from a relation: each call runs its plan once."""

import contextlib
import functools
from collections.abc import Iterator, Sequence

import pyarrow as pa
from pyspark.sql.connect import proto
from pyspark.sql.connect.proto import Relation
from pyspark.sql.types import StructType

from cauce.connect.plans import prepare
from cauce.session import Session

__all__ = ["BATCH_ROWS_MAX", "RelationDataset"]

BATCH_ROWS_MAX = 65_536


class RelationDataset:
    """A Dataset over a client's relation; only the columns asked for leave the engine, in this process."""

    def __init__(self, relation: Relation, session: Session) -> None:
        self.relation = Relation()
        self.relation.CopyFrom(relation)
        self._session = session

    @property
    def schema(self) -> StructType:
        return self._schema

    @functools.cached_property
    def _schema(self) -> StructType:
        with contextlib.ExitStack() as lease:
            relation = self._prepared(self.relation, lease, running=False)
            return self._session.engine.schema(relation)

    def batches(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        yield from self.table(columns).to_batches(max_chunksize=BATCH_ROWS_MAX)

    def table(self, columns: Sequence[str]) -> pa.Table:
        with contextlib.ExitStack() as lease:
            relation = self._prepared(_select(self.relation, columns), lease, running=True)
            return self._session.engine.run_large(relation)

    def _prepared(self, relation: Relation, lease: contextlib.ExitStack, *, running: bool) -> Relation:
        copy = Relation()
        copy.CopyFrom(relation)
        prepare(copy, self._session, lease, running=running)
        return copy


def _select(relation: Relation, columns: Sequence[str]) -> Relation:
    names = [name.replace("`", "``") for name in columns]
    attributes = [
        proto.Expression(
            unresolved_attribute=proto.Expression.UnresolvedAttribute(unparsed_identifier=f"`{name}`")
        )
        for name in names
    ]
    return Relation(project=proto.Project(input=relation, expressions=attributes))
