"""DELETE, UPDATE, MERGE and INSERT as SQL text: read with sqlglot, done as the client's own commands are."""

from collections.abc import Callable
from typing import Any

import pyarrow as pa
from pyspark.sql.connect.proto import SQL, Expression, Relation, SubqueryAlias

from cauce.connect.delta_relations import AUTO_MERGE, affected, merged
from cauce.connect.delta_tables import CLOCK, find_log
from cauce.delta.constraints import expression_of
from cauce.delta.errors import DeltaAnalysisException
from cauce.delta.matching import Frame
from cauce.delta.merge import Merge
from cauce.delta.merge_changes import Clause
from cauce.delta.row_changes import assignments_by_column, delete_rows, update_rows
from cauce.delta.transaction import Operation, Transaction
from cauce.delta.writing import remove_all, write_rows
from cauce.engine import input_leaf, local_relation
from cauce.plan.tables import identifier_parts
from cauce.session import Session

__all__ = ["change_rows_by_sql"]

Compute = Callable[[Relation], pa.Table]
EVOLVES = "WITH SCHEMA EVOLUTION"


def change_rows_by_sql(text: str, session: Session, compute: Compute) -> pa.Table | None:
    """Run the statement if it changes rows of a Delta table; None if it is another one."""
    if text.lstrip()[:6].upper() not in ("DELETE", "UPDATE", "MERGE ", "INSERT"):
        return None
    # Imported here because few programs need it, and it takes long to load.
    import sqlglot
    from sqlglot.errors import SqlglotError

    evolves = EVOLVES in " ".join(text.upper().split()[:4])
    try:
        statement: Any = sqlglot.parse_one(_without_evolution(text) if evolves else text, read="spark")
    except SqlglotError:
        return None  # The engine knows better what is wrong with it.
    table = statement.this.this if statement.this.key == "schema" else statement.this
    log = find_log(_name(table), session)
    if log is None or not log.exists():
        return None
    target = Frame("target", _shape(table, "target"))
    transaction = Transaction(log, CLOCK)
    if statement.key == "insert":
        return _insert(statement, transaction, session, compute)
    if statement.key == "merge":
        return _merge(statement, transaction, target, evolves, session, compute)
    where = statement.args.get("where")
    condition = None if where is None else _expression(where.this)
    if statement.key == "delete":
        return affected(delete_rows(transaction, target, condition, session.engine))
    values = assignments_by_column(transaction.metadata.schema, _assignments(statement.expressions))
    return affected(update_rows(transaction, target, condition, values, session.engine))


def _insert(statement: Any, transaction: Transaction, session: Session, compute: Compute) -> pa.Table | None:
    """INSERT by path, or into a table with a change data feed: the engine does neither."""
    target = statement.this.this if statement.this.key == "schema" else statement.this
    by_path = target.db.lower() == "delta"
    if not by_path and not transaction.snapshot.table.flag("delta.enableChangeDataFeed"):
        return None
    columns = [column.name for column in statement.this.expressions] if target is not statement.this else []
    names = columns or transaction.snapshot.table.schema.names
    rows = compute(Relation(sql=SQL(query=f"SELECT * FROM ({statement.expression.sql('spark')})")))
    if rows.num_columns != len(names):
        raise DeltaAnalysisException(
            "DELTA_INSERT_COLUMN_ARITY_MISMATCH",
            tableName=transaction.log.path,
            columnName="not enough data columns"
            if rows.num_columns < len(names)
            else "too many data columns",
            numColumns=len(names),
            insertColumns=rows.num_columns,
        )
    rows = rows.rename_columns(names)
    overwrites = bool(statement.args.get("overwrite"))
    if overwrites:
        transaction.reads_whole_table = True
        remove_all(transaction)
    data = session.engine.schema(local_relation(rows.slice(0, 0)))
    files = write_rows(transaction, rows, data, engine=session.engine)
    metrics = {"numFiles": len(files), "numOutputRows": rows.num_rows}
    parameters = {"mode": "Overwrite" if overwrites else "Append", "partitionBy": "[]"}
    transaction.commit(Operation("WRITE", parameters, metrics))
    return pa.table({})


def _without_evolution(text: str) -> str:
    merge, _, rest = text.partition("INTO") if "INTO" in text else text.partition("into")
    return f"MERGE INTO {rest}"


def _merge(
    statement: Any,
    transaction: Transaction,
    target: Frame,
    evolves: bool,
    session: Session,
    compute: Compute,
) -> pa.Table:
    using = statement.args["using"]
    query = Relation(sql=SQL(query=f"SELECT * FROM {using.sql('spark')}"))
    rows = compute(query)
    automatic = session.settings.snapshot().get(AUTO_MERGE).lower() == "true"
    clauses = [(when, _clause(when)) for when in statement.args["whens"].expressions]
    merge = Merge(
        target=target,
        source=Frame("source", _shape(using, "source")),
        rows=rows,
        data=session.engine.schema(local_relation(rows.slice(0, 0))),
        condition=_expression(statement.args["on"]),
        matched=[clause for when, clause in clauses if when.args["matched"]],
        not_matched=[c for w, c in clauses if not w.args["matched"] and not w.args.get("source")],
        not_matched_by_source=[c for w, c in clauses if not w.args["matched"] and w.args.get("source")],
        evolves=evolves or automatic,
    )
    return merged(merge.run(transaction, session.engine))


def _clause(when: Any) -> Clause:
    condition = when.args.get("condition")
    wanted = None if condition is None else _expression(condition)
    action = when.args["then"]
    if action.key == "update":
        return Clause("update", wanted, _set_values(action.expressions))
    if action.key == "insert":
        if action.this.key == "star":
            return Clause("insert", wanted)
        names = [_column(column) for column in action.this.expressions]
        values = [_expression(value) for value in action.expression.expressions]
        return Clause("insert", wanted, dict(zip(names, values, strict=True)))
    return Clause("delete", wanted)


def _set_values(expressions: list[Any]) -> dict[str, Expression] | None:
    return None if expressions[0].key == "star" else _assignments(expressions)


def _assignments(expressions: list[Any]) -> dict[str, Expression]:
    return {_column(pair.this): _expression(pair.expression) for pair in expressions}


def _column(column: Any) -> str:
    return ".".join(identifier_parts(column.sql("spark")))


def _expression(parsed: Any) -> Expression:
    return expression_of(parsed.sql("spark"))


def _name(table: Any) -> str:
    """The table's name without its alias."""
    bare = table.copy()
    bare.set("alias", None)
    return bare.sql("spark")


def _shape(table: Any, leaf: str) -> Relation:
    """A leaf under the name by which the statement's columns may be qualified."""
    alias = table.alias_or_name
    if not alias or "/" in alias:
        return input_leaf(leaf)
    return Relation(subquery_alias=SubqueryAlias(input=input_leaf(leaf), alias=alias))
