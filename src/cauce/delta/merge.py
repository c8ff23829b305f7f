"""MERGE: rows of a source update, delete and insert rows of a table, by ordered clauses.

    0. Find the files with rows that may change: `merge_candidates.py`. The others are not read.
    1. Join target and source; for every pair the first matched clause whose condition holds counts.
    2. A target row that two source rows would change is an error.
    3. Source rows without a partner go through the not-matched clauses, target rows through those by source.
    4. Files with changed rows are written anew; the changes are the feed's, if the table has one.

Source of the rules: MergeIntoCommand.scala and ClassicMergeExecutor.scala of Delta Lake.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql.connect.proto import Expression, Join, Project, Relation
from pyspark.sql.types import StructType

from cauce.delta.actions import AddFile
from cauce.delta.columns import merged_schema
from cauce.delta.constraints import expression_of
from cauce.delta.data_files import arrow_form
from cauce.delta.errors import DeltaUnsupportedOperationException
from cauce.delta.matching import ROW, SOURCE_ROW, Frame, numbered
from cauce.delta.merge_candidates import MergeCondition
from cauce.delta.merge_changes import CLAUSE, Clause, Counts, MergeChanges
from cauce.delta.reading import read_file
from cauce.delta.row_changes import Rewrite, finish, nullable_table
from cauce.delta.transaction import Operation, Transaction
from cauce.delta.writing import refuse_on_append_only, set_table
from cauce.engine import EngineSession
from cauce.plan.build import alias, attribute, call, integer
from cauce.plan.expression_strings import read_expression
from cauce.plan.expression_text import sql_text

__all__ = ["Merge"]


@dataclass
class Merge:
    """What the user asked for. Both frames dress rows as the client's plans are."""

    target: Frame
    source: Frame
    rows: pa.Table
    """The source's rows."""
    data: StructType
    """The source's columns."""
    condition: Expression
    matched: Sequence[Clause] = ()
    not_matched: Sequence[Clause] = ()
    not_matched_by_source: Sequence[Clause] = ()
    evolves: bool = False

    def run(self, transaction: Transaction, engine: EngineSession) -> Counts:
        """Do it, in one commit; nothing is committed if nothing changes."""
        if self.matched or self.not_matched_by_source:
            refuse_on_append_only(transaction)
        transaction.reads_whole_table = True
        self._evolve(transaction)
        files = self._files(transaction, engine)
        target, owners = self._target_rows(transaction, files)
        rewrite, result = self._decide(transaction, target, owners, files, engine)
        added = finish(transaction, rewrite)
        if transaction.actions:
            transaction.commit(self._operation(result, rewrite, added, target.num_rows))
        return result

    def _decide(
        self,
        transaction: Transaction,
        target: pa.Table,
        owners: np.ndarray,
        files: Sequence[AddFile],
        engine: EngineSession,
    ) -> tuple[Rewrite, Counts]:
        pairs = self._pairs(target, engine)
        acting = pairs.filter(pc.greater_equal(pairs[CLAUSE], 0))
        acting = self._refuse_repeated(acting)
        lonely = _others(target.num_rows, pairs[ROW])
        orphans = self._first_clause(target.take(lonely), self.target, self.not_matched_by_source, engine)
        newcomers = _others(self.rows.num_rows, pairs[SOURCE_ROW])
        fresh = self._first_clause(self.rows.take(newcomers), self.source, self.not_matched, engine)
        changes = MergeChanges(transaction, target, self.rows, self.data, (self.target, self.source), engine)
        changes.matched(self.matched, acting)
        changes.orphaned(self.not_matched_by_source, lonely, orphans)
        changes.inserted(self.not_matched, newcomers, fresh)
        return changes.rewrite(owners, files), changes.counts

    def _evolve(self, transaction: Transaction) -> None:
        """With schema evolution, columns of the source that are stored and not there yet are added."""
        if not self.evolves:
            return
        table = transaction.snapshot.table
        if any(c.assignments is None and c.kind != "delete" for c in (*self.matched, *self.not_matched)):
            schema = merged_schema(table.schema, self.data, may_add=True)
            if schema.json() != table.schema.json():
                set_table(transaction, table.with_schema(schema))

    def _files(self, transaction: Transaction, engine: EngineSession) -> list[AddFile]:
        """The files whose rows may change: with clauses for rows without a partner that is all of them."""
        files = list(transaction.snapshot.files.values())
        if self.not_matched_by_source:
            return files
        wanted = nullable_table(transaction.metadata)
        text = read_expression(self.condition)
        condition = MergeCondition(text, self.target, self.source, self.rows, wanted, engine)
        return condition.matching_files(transaction.log.path, files)

    def _target_rows(self, transaction: Transaction, files: Sequence[AddFile]) -> tuple[pa.Table, np.ndarray]:
        """All rows, and for each the number of its file."""
        wanted = nullable_table(transaction.metadata)
        tables = [read_file(transaction.log.path, file, wanted) for file in files]
        owners = np.repeat(np.arange(len(files)), [rows.num_rows for rows in tables])
        return pa.concat_tables(tables or [arrow_form(wanted.schema).empty_table()]), owners

    def _pairs(self, target: pa.Table, engine: EngineSession) -> pa.Table:
        join = Join(
            left=self.target.relation(),
            right=self.source.relation(),
            join_condition=self.condition,
            join_type=Join.JOIN_TYPE_INNER,
        )
        columns = [attribute(ROW), attribute(SOURCE_ROW), alias(_choice(self.matched), CLAUSE)]
        relation = Relation(project=Project(input=Relation(join=join), expressions=columns))
        inputs = {self.target.name: numbered(target), self.source.name: numbered(self.rows, SOURCE_ROW)}
        return engine.run(relation, inputs)

    def _first_clause(
        self, rows: pa.Table, frame: Frame, clauses: Sequence[Clause], engine: EngineSession
    ) -> np.ndarray:
        """For each row the number of the clause that takes it; -1 for none."""
        if not clauses or not rows.num_rows:
            return np.full(rows.num_rows, -1)
        columns = [attribute(ROW), alias(_choice(clauses), CLAUSE)]
        relation = Relation(project=Project(input=frame.relation(), expressions=columns))
        found = engine.run(relation, {frame.name: numbered(rows)})
        return found.take(pc.sort_indices(found[ROW]))[CLAUSE].to_numpy()

    def _refuse_repeated(self, acting: pa.Table) -> pa.Table:
        rows = acting[ROW].to_numpy()
        _, first = np.unique(rows, return_index=True)
        if len(first) == len(rows):
            return acting
        only_deletes = len(self.matched) == 1 and self.matched[0].kind == "delete"
        if only_deletes and self.matched[0].condition is None:
            return acting.take(pa.array(first))
        raise DeltaUnsupportedOperationException(
            "DELTA_MULTIPLE_SOURCE_ROW_MATCHING_TARGET_ROW_IN_MERGE", usageReference=USAGE
        )

    def _operation(self, result: Counts, rewrite: Rewrite, added: Sequence[AddFile], rows: int) -> Operation:
        parameters = {
            "predicate": f'["({_quoted(sql_text(self.condition))})"]',
            "matchedPredicates": _clauses_text(self.matched),
            "notMatchedPredicates": _clauses_text(self.not_matched),
            "notMatchedBySourcePredicates": _clauses_text(self.not_matched_by_source),
        }
        metrics = {
            "numSourceRows": self.rows.num_rows,
            "numTargetRowsUpdated": result.update,
            "numTargetRowsDeleted": result.delete,
            "numTargetRowsInserted": result.insert,
            "numTargetRowsCopied": sum(r.num_rows for r in rewrite.rows) - result.update - result.insert,
            "numTargetFilesAdded": len(added),
            "numTargetFilesRemoved": len(rewrite.removed),
        }
        return Operation("MERGE", parameters, metrics)


def _choice(clauses: Sequence[Clause]) -> Expression:
    """The number of the first clause whose condition holds, -1 for none."""
    branches: list[Expression] = []
    for number, clause in enumerate(clauses):
        condition = clause.condition if clause.condition is not None else expression_of("true")
        branches += [condition, integer(number)]
    return call("when", *branches, integer(-1)) if branches else integer(-1)


def _others(count: int, taken: pa.ChunkedArray) -> pa.Array:
    """The positions that are not among the taken ones."""
    free = np.ones(count, dtype=bool)
    free[taken.to_numpy()] = False
    return pa.array(np.flatnonzero(free))


def _clauses_text(clauses: Sequence[Clause]) -> str:
    described = []
    for clause in clauses:
        note = {"actionType": clause.kind}
        if clause.condition is not None:
            note = {"predicate": f"({sql_text(clause.condition)})", **note}
        described.append(note)
    return json.dumps(described, separators=(",", ":"), ensure_ascii=False)


def _quoted(text: str) -> str:
    return text.replace('"', '\\"')


USAGE = "https://docs.delta.io/latest/delta-update.html#upsert-into-a-table-using-merge"
