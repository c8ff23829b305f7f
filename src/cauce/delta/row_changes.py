"""DELETE and UPDATE: the files that hold matching rows are written anew without, or with other, rows."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from pyspark.sql.connect.proto import Expression
from pyspark.sql.connect.types import pyspark_types_to_proto_types
from pyspark.sql.types import StructField, StructType

from cauce.delta.actions import AddFile, Metadata
from cauce.delta.columns import as_nullable
from cauce.delta.data_files import arrow_form, with_change_type, write_change_files, write_files
from cauce.delta.errors import DeltaAnalysisException
from cauce.delta.incoming_rows import incoming_rows
from cauce.delta.matching import Frame, check_condition, computed, rows_where
from cauce.delta.reading import read_file
from cauce.delta.transaction import Operation, Transaction
from cauce.delta.writing import refuse_on_append_only
from cauce.engine import EngineSession
from cauce.plan.build import attribute
from cauce.plan.expression_text import sql_text

__all__ = [
    "Rewrite",
    "assigned",
    "assignments_by_column",
    "delete_rows",
    "finish",
    "nullable_table",
    "update_rows",
]


@dataclass
class Rewrite:
    """Files to take out, rows to put in their place, and the changes as the feed tells them."""

    removed: list[AddFile] = field(default_factory=list)
    rows: list[pa.Table] = field(default_factory=list)
    changes: list[pa.Table] = field(default_factory=list)


def delete_rows(
    transaction: Transaction, target: Frame, condition: Expression | None, engine: EngineSession
) -> int:
    """Delete the rows for which the condition is true; how many that were."""
    refuse_on_append_only(transaction)
    rewrite, deleted = Rewrite(), 0
    for file, rows, found in _matching(transaction, target, condition, engine):
        deleted += len(found)
        rewrite.removed.append(file)
        rewrite.rows.append(without(rows, found))
        rewrite.changes.append(with_change_type(rows.take(found), "delete"))
    files = finish(transaction, rewrite)
    metrics = {
        "numRemovedFiles": len(rewrite.removed),
        "numAddedFiles": len(files),
        "numDeletedRows": deleted,
        "numCopiedRows": sum(rows.num_rows for rows in rewrite.rows),
    }
    if rewrite.removed:
        transaction.commit(Operation("DELETE", _predicate(condition), metrics))
    return deleted


def update_rows(
    transaction: Transaction,
    target: Frame,
    condition: Expression | None,
    assignments: Mapping[str, Expression],
    engine: EngineSession,
) -> int:
    """Set columns of the rows for which the condition is true; how many that were."""
    refuse_on_append_only(transaction)
    rewrite, updated = Rewrite(), 0
    for file, rows, found in _matching(transaction, target, condition, engine):
        updated += len(found)
        before = rows.take(found)
        after = assigned(transaction, target, before, assignments, engine)
        rewrite.removed.append(file)
        rewrite.rows.extend((without(rows, found), after))
        rewrite.changes.append(with_change_type(before, "update_preimage"))
        rewrite.changes.append(with_change_type(after, "update_postimage"))
    files = finish(transaction, rewrite)
    metrics = {
        "numRemovedFiles": len(rewrite.removed),
        "numAddedFiles": len(files),
        "numUpdatedRows": updated,
        "numCopiedRows": sum(rows.num_rows for rows in rewrite.rows) - updated,
    }
    if rewrite.removed:
        transaction.commit(Operation("UPDATE", _predicate(condition), metrics))
    return updated


def assigned(
    transaction: Transaction,
    frame: Frame,
    rows: pa.Table,
    assignments: Mapping[str, Expression],
    engine: EngineSession,
) -> pa.Table:
    """The rows with some columns set; generated columns follow."""
    table = transaction.metadata
    columns = []
    for each in table.schema:
        value = assignments.get(each.name)
        if value is not None:
            kind = pyspark_types_to_proto_types(each.dataType)
            columns.append((each.name, Expression(cast=Expression.Cast(expr=value, type=kind))))
        elif "delta.generationExpression" not in (each.metadata or {}):
            columns.append((each.name, attribute(each.name)))
    changed = computed(rows, frame, columns, engine)
    data = StructType([f for f in table.schema if f.name in changed.column_names])
    return incoming_rows(changed, data, table, engine)[0]


def assignments_by_column(table: StructType, pairs: Mapping[str, Expression]) -> dict[str, Expression]:
    """The assigned columns in the table's spelling; a name may carry the table's alias."""
    names = {name.lower(): name for name in table.names}
    found = {}
    for given, value in pairs.items():
        bare = given if given.lower() in names else given.rpartition(".")[2]
        if bare.lower() not in names:
            listed = ", ".join(table.names)
            raise DeltaAnalysisException("DELTA_MISSING_SET_COLUMN", columnName=given, columnList=listed)
        found[names[bare.lower()]] = value
    return found


def without(rows: pa.Table, positions: pa.Array) -> pa.Table:
    """All rows but those at the positions."""
    kept = np.ones(rows.num_rows, dtype=bool)
    kept[positions.to_numpy()] = False
    return rows.filter(pa.array(kept))


def finish(transaction: Transaction, rewrite: Rewrite) -> list[AddFile]:
    """Turn a rewrite into actions of the transaction."""
    now_ms = transaction.clock.now_ms()
    table = transaction.metadata
    transaction.actions.extend(file.remove(now_ms) for file in rewrite.removed)
    transaction.read_files |= {file.key for file in rewrite.removed}
    filled = [rows for rows in rewrite.rows if rows.num_rows]
    added = write_files(transaction.log, table, pa.concat_tables(filled), transaction.clock) if filled else []
    transaction.actions.extend(file.action() for file in added)
    changes = [rows for rows in rewrite.changes if rows.num_rows]
    if changes and table.flag("delta.enableChangeDataFeed"):
        rows = pa.concat_tables(changes)
        transaction.actions.extend(write_change_files(transaction.log, table, rows, transaction.clock))
    return added


def _matching(
    transaction: Transaction, target: Frame, condition: Expression | None, engine: EngineSession
) -> Iterator[tuple[AddFile, pa.Table, pa.Array]]:
    """Each file with matching rows, one at a time: the table need not fit into memory."""
    transaction.reads_whole_table = True
    table = transaction.snapshot.table
    wanted = nullable_table(table)
    check_condition(arrow_form(wanted.schema).empty_table(), target, condition, engine)
    for file in transaction.snapshot.files.values():
        rows = read_file(transaction.log.path, file, wanted)
        found = rows_where(rows, target, condition, engine)
        if len(found):
            yield file, rows, found


def nullable_table(table: Metadata) -> Metadata:
    """The table as its files are read: what must not be null is checked when rows are written."""
    return table.with_schema(StructType([_nullable(f) for f in table.schema]))


def _nullable(each: StructField) -> StructField:
    return StructField(each.name, as_nullable(each.dataType), True, each.metadata)


def _predicate(condition: Expression | None) -> dict[str, str]:
    if condition is None:
        return {"predicate": "[]"}
    text = sql_text(condition).replace('"', '\\"')
    return {"predicate": f'["({text})"]'}
