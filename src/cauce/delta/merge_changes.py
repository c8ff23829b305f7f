"""What the clauses of a MERGE make of the rows they take, and the files this touches."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql.connect.proto import Expression
from pyspark.sql.connect.types import pyspark_types_to_proto_types
from pyspark.sql.types import StructField, StructType

from cauce.delta.actions import AddFile
from cauce.delta.data_files import with_change_type
from cauce.delta.errors import DeltaAnalysisException
from cauce.delta.incoming_rows import incoming_rows
from cauce.delta.matching import ROW, SOURCE_ROW, Frame, computed, computed_beside
from cauce.delta.row_changes import Rewrite, assignments_by_column, without
from cauce.delta.transaction import Transaction
from cauce.engine import EngineSession

__all__ = ["CLAUSE", "Clause", "Counts", "MergeChanges"]

CLAUSE = "__clause"


@dataclass(frozen=True)
class Clause:
    """`kind` is update, delete or insert. No assignments: all columns, by name."""

    kind: str
    condition: Expression | None = None
    assignments: Mapping[str, Expression] | None = None


@dataclass
class Counts:
    """Rows changed, by what happened to them."""

    update: int = 0
    delete: int = 0
    insert: int = 0


class MergeChanges:
    """Gathers rows clause by clause."""

    def __init__(
        self,
        transaction: Transaction,
        target: pa.Table,
        source: pa.Table,
        data: StructType,
        frames: tuple[Frame, Frame],
        engine: EngineSession,
    ) -> None:
        """`data` are the source's columns; the frames are the target's and the source's."""
        self.counts = Counts()
        self._transaction = transaction
        self._target, self._source, self._data = target, source, data
        self._frames = frames
        self._engine = engine
        self._gone: list[np.ndarray] = []
        self._new: list[pa.Table] = []
        self._feed: list[pa.Table] = []

    def matched(self, clauses: Sequence[Clause], pairs: pa.Table) -> None:
        for number, clause in enumerate(clauses):
            mine = pairs.filter(pc.equal(pairs[CLAUSE], number))
            rows = mine[ROW].to_numpy()
            after = None
            if clause.kind == "update" and len(rows):
                after = self._updated(clause, rows, self._source.take(mine[SOURCE_ROW]))
            self._replace(rows, after)

    def orphaned(self, clauses: Sequence[Clause], positions: pa.Array, chosen: np.ndarray) -> None:
        for number, clause in enumerate(clauses):
            rows = positions.to_numpy()[chosen == number]
            after = self._updated(clause, rows, None) if clause.kind == "update" and len(rows) else None
            self._replace(rows, after)

    def inserted(self, clauses: Sequence[Clause], positions: pa.Array, chosen: np.ndarray) -> None:
        for number, clause in enumerate(clauses):
            rows = positions.to_numpy()[chosen == number]
            if len(rows):
                self._insert(clause, self._source.take(pa.array(rows)))

    def rewrite(self, owners: np.ndarray, files: Sequence[AddFile]) -> Rewrite:
        """The files touched, and everything that takes their place."""
        gone = np.concatenate([np.empty(0, np.int64), *self._gone])
        touched = np.unique(owners[gone])
        positions = np.flatnonzero(np.isin(owners, touched))
        kept = without(self._target.take(pa.array(positions)), pa.array(np.searchsorted(positions, gone)))
        return Rewrite([files[int(number)] for number in touched], [kept, *self._new], self._feed)

    def _replace(self, rows: np.ndarray, after: pa.Table | None) -> None:
        if not len(rows):
            return
        self._gone.append(rows)
        before = self._target.take(pa.array(rows))
        if after is None:
            self.counts.delete += len(rows)
            self._feed.append(with_change_type(before, "delete"))
            return
        self.counts.update += len(rows)
        self._new.append(after)
        self._feed.append(with_change_type(before, "update_preimage"))
        self._feed.append(with_change_type(after, "update_postimage"))

    def _updated(self, clause: Clause, rows: np.ndarray, source: pa.Table | None) -> pa.Table:
        """The target rows at these positions, with columns set from the rows beside them."""
        before = self._target.take(pa.array(rows))
        given = self._given(clause, source, before)
        for field in self._transaction.metadata.schema:
            if field.name not in given and "delta.generationExpression" not in (field.metadata or {}):
                given[field.name] = (field, before[field.name])
        return self._stored(given)

    def _insert(self, clause: Clause, source: pa.Table) -> None:
        rows = self._stored(self._given(clause, source, None))
        self.counts.insert += rows.num_rows
        self._new.append(rows)
        self._feed.append(with_change_type(rows, "insert"))

    def _given(
        self, clause: Clause, source: pa.Table | None, before: pa.Table | None
    ) -> dict[str, tuple[StructField, pa.ChunkedArray]]:
        """The columns that the clause sets, with their type: computed, or the source's of that name."""
        table = self._transaction.metadata.schema
        if clause.assignments is None:
            return self._all_of(source, table)
        values = assignments_by_column(table, clause.assignments)
        columns = [(name, _cast(value, table[name])) for name, value in values.items()]
        found = self._evaluated(columns, source, before)
        return {name: (table[name], found[name]) for name in values}

    def _evaluated(
        self, columns: list[tuple[str, Expression]], source: pa.Table | None, before: pa.Table | None
    ) -> pa.Table:
        target_frame, source_frame = self._frames
        if before is None and source is not None:
            return computed(source, source_frame, columns, self._engine)
        if source is None and before is not None:
            return computed(before, target_frame, columns, self._engine)
        assert source is not None and before is not None, "a clause has rows of one side at least"
        sides = ((before, target_frame), (source, source_frame))
        return computed_beside(sides, columns, self._engine)

    def _all_of(
        self, source: pa.Table | None, table: StructType
    ) -> dict[str, tuple[StructField, pa.ChunkedArray]]:
        assert source is not None, "UPDATE SET * and INSERT * have a source row"
        given = {name.lower(): name for name in self._data.names}
        missing = [name for name in table.names if name.lower() not in given]
        if missing and not self._may_miss(missing, table):
            raise DeltaAnalysisException(
                "DELTA_MERGE_UNRESOLVED_EXPRESSION",
                sqlExpr=missing[0],
                clause="UPDATE or INSERT clause",
                cols=", ".join(self._data.names),
            )
        found = [(name, given[name.lower()]) for name in table.names if name.lower() in given]
        return {name: (self._data[other], source[other]) for name, other in found}

    def _may_miss(self, names: Sequence[str], table: StructType) -> bool:
        """Generated columns are computed; and with new columns (schema evolution) others may stay away."""
        computed_ones = [n for n in names if (table[n].metadata or {}).keys() & COMPUTED]
        evolved = any("metaData" in action for action in self._transaction.actions)
        return evolved or len(computed_ones) == len(names)

    def _stored(self, given: dict[str, tuple[StructField, pa.ChunkedArray]]) -> pa.Table:
        table = self._transaction.metadata
        rows = pa.table({name: column for name, (_, column) in given.items()})
        data = StructType([StructField(name, field.dataType) for name, (field, _) in given.items()])
        stored, changed = incoming_rows(rows, data, table, self._engine)
        if changed.schema_string != table.schema_string:
            self._transaction.set_metadata(changed)
        return stored


COMPUTED = {"delta.generationExpression", "delta.identity.start", "CURRENT_DEFAULT"}


def _cast(value: Expression, field: StructField) -> Expression:
    kind = pyspark_types_to_proto_types(field.dataType)
    return Expression(cast=Expression.Cast(expr=value, type=kind))
