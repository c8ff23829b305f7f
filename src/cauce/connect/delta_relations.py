"""What the official Delta client asks as a relation, one function per message of `DeltaRelation`."""

from collections.abc import Callable, Sequence
from typing import Any

import pyarrow as pa
from google.protobuf.message import Message
from pyspark.sql.connect import proto
from pyspark.sql.connect.proto import Read, Relation
from pyspark.sql.connect.types import proto_schema_to_pyspark_data_type

from cauce.connect.delta_reads import delta_read
from cauce.connect.delta_tables import CLOCK, log_of_name, log_of_table
from cauce.connect.preparation import Preparation, replace
from cauce.delta.creation import convert
from cauce.delta.describe import DETAIL, HISTORY, detail, history
from cauce.delta.errors import DeltaAnalysisException, DeltaUnsupportedOperationException
from cauce.delta.log import DeltaLog
from cauce.delta.matching import Frame
from cauce.delta.merge import Merge
from cauce.delta.merge_changes import Clause, Counts
from cauce.delta.messages import RELATION_URL, parse_relation
from cauce.delta.moments import parse_moment_ms
from cauce.delta.optimize import OPTIMIZED, optimize
from cauce.delta.partitions import partitions_where
from cauce.delta.restore import METRICS, restorable_version_at, restore
from cauce.delta.row_changes import assignments_by_column, delete_rows, update_rows
from cauce.delta.transaction import Transaction
from cauce.engine import local_relation
from cauce.errors import SparkError
from cauce.plan.tables import identifier_parts

__all__ = ["AUTO_MERGE", "affected", "extension", "merged"]

AFFECTED = pa.schema([("num_affected_rows", pa.int64())])
MERGED = pa.schema(
    [
        ("num_affected_rows", pa.int64()),
        ("num_updated_rows", pa.int64()),
        ("num_deleted_rows", pa.int64()),
        ("num_inserted_rows", pa.int64()),
    ]
)
AUTO_MERGE = "spark.databricks.delta.schema.autoMerge.enabled"


def extension(node: Relation, preparation: Preparation) -> None:
    """A relation of a Connect extension: Delta's is the only one there is."""
    if node.extension.type_url != RELATION_URL:
        raise SparkError(
            "CONNECT_INVALID_PLAN.RELATION_TYPE_UNSUPPORTED", relTypeCase=node.extension.type_url
        )
    name, message = parse_relation(node.extension.value)
    if name == "scan":
        replace(node, scan(message))
        delta_read(node, preparation)
    elif not preparation.running:
        replace(node, local_relation(SCHEMAS[name].empty_table()))
    else:
        replace(node, local_relation(RELATIONS[name](message, preparation)))


def scan(message: Any) -> Relation:
    """`DeltaTable.toDF()`."""
    table = message.table
    if table.HasField("path"):
        return Relation(read=Read(data_source=Read.DataSource(format="delta", paths=[table.path.path])))
    return Relation(read=Read(named_table=Read.NamedTable(unparsed_identifier=table.table_or_view_name)))


def describe_history(message: Any, preparation: Preparation) -> pa.Table:
    return history(log_of_table(message.table, preparation.session))


def describe_detail(message: Any, preparation: Preparation) -> pa.Table:
    has_name = message.table.HasField("table_or_view_name")
    name = f"spark_catalog.default.{message.table.table_or_view_name}" if has_name else None
    return detail(log_of_table(message.table, preparation.session), name)


def convert_to_delta(message: Any, preparation: Preparation) -> pa.Table:
    """`DeltaTable.convertToDelta`: answers what `forPath` would be given."""
    parts = identifier_parts(message.identifier)
    if len(parts) != 2 or parts[0].lower() != "parquet":
        raise DeltaAnalysisException("DELTA_MISSING_PROVIDER_FOR_CONVERT")
    partitions = None
    if message.HasField("partition_schema_string"):
        partitions = preparation.session.engine.parse_ddl(message.partition_schema_string)
    elif message.HasField("partition_schema_struct"):
        partitions = _data_type(message.partition_schema_struct)
    convert(DeltaLog.open(parts[1]), partitions, CLOCK)
    return pa.table({"value": [f"delta.`{parts[1]}`"]})


def restore_table(message: Any, preparation: Preparation) -> pa.Table:
    log = log_of_table(message.table, preparation.session)
    if message.HasField("version"):
        return restore(log, message.version, CLOCK)
    moment_ms = parse_moment_ms(message.timestamp, preparation.session.engine.time_zone)
    version = restorable_version_at(log, moment_ms, message.timestamp)
    return restore(log, version, CLOCK, timestamp=message.timestamp)


def is_delta_table(message: Any, preparation: Preparation) -> pa.Table:
    return pa.table({"value": [DeltaLog.open(message.path).exists()]})


def delete_from_table(message: Any, preparation: Preparation) -> pa.Table:
    transaction, target = _target(message.target, preparation)
    condition = _expression(message, "condition")
    deleted = delete_rows(transaction, target, condition, preparation.session.engine)
    return affected(deleted)


def update_table(message: Any, preparation: Preparation) -> pa.Table:
    transaction, target = _target(message.target, preparation)
    assignments = assignments_by_column(transaction.metadata.schema, _assignments(message.assignments))
    condition = _expression(message, "condition")
    updated = update_rows(transaction, target, condition, assignments, preparation.session.engine)
    return affected(updated)


def merge_into_table(message: Any, preparation: Preparation) -> pa.Table:
    transaction, target = _target(message.target, preparation)
    source = _relation(message.source)
    rows = preparation.compute(source)
    merge = Merge(
        target=target,
        source=Frame("source", source),
        rows=rows,
        data=preparation.session.engine.schema(local_relation(rows.slice(0, 0))),
        condition=_expression(message, "condition") or _true(),
        matched=[_clause(action) for action in message.matched_actions],
        not_matched=[_clause(action) for action in message.not_matched_actions],
        not_matched_by_source=[_clause(action) for action in message.not_matched_by_source_actions],
        evolves=message.with_schema_evolution or _setting(AUTO_MERGE, preparation) == "true",
    )
    return merged(merge.run(transaction, preparation.session.engine))


def affected(rows: int) -> pa.Table:
    """What DELETE and UPDATE answer."""
    return pa.table({"num_affected_rows": pa.array([rows], pa.int64())})


def merged(counts: Counts) -> pa.Table:
    """What MERGE answers."""
    values = (counts.update + counts.delete + counts.insert, counts.update, counts.delete, counts.insert)
    return pa.Table.from_pylist([dict(zip(MERGED.names, values, strict=True))], MERGED)


def optimize_table(message: Any, preparation: Preparation) -> pa.Table:
    log = log_of_table(message.table, preparation.session)
    filters = list(message.partition_filters)
    snapshot = log.existing()
    partitions = partitions_where(snapshot, filters, preparation.session.engine) if filters else None
    return optimize(log, CLOCK, partitions=partitions, zorder_by=list(message.zorder_columns))


def _target(relation: Message, preparation: Preparation) -> tuple[Transaction, Frame]:
    """The transaction on the table that a relation scans, and the relation as expressions see it."""
    shape = _relation(relation)
    inner = shape
    while inner.WhichOneof("rel_type") == "subquery_alias":
        inner = inner.subquery_alias.input
    kind = inner.WhichOneof("rel_type")
    if kind == "extension" and inner.extension.type_url == RELATION_URL:
        name, message = parse_relation(inner.extension.value)
        if name == "scan":
            log = log_of_table(message.table, preparation.session)
            return Transaction(log, CLOCK), Frame("target", shape)
    if kind == "read" and inner.read.HasField("named_table"):
        log = log_of_name(inner.read.named_table.unparsed_identifier, preparation.session)
        return Transaction(log, CLOCK), Frame("target", shape)
    raise DeltaUnsupportedOperationException(None, "The target of the command must be a Delta table.")


def _clause(action: Any) -> Clause:
    kind = next(field.name for field, _ in action.ListFields() if field.name.endswith("_action"))
    condition = _expression(action, "condition")
    if kind == "delete_action":
        return Clause("delete", condition)
    verb = kind.split("_")[0]
    if kind.endswith("star_action"):
        return Clause(verb, condition)
    return Clause(verb, condition, _assignments(getattr(action, kind).assignments))


def _assignments(pairs: Sequence[Any]) -> dict[str, proto.Expression]:
    return {_column_name(_copied(pair.field)): _copied(pair.value) for pair in pairs}


def _column_name(expression: proto.Expression) -> str:
    """The name of the column an assignment sets."""
    kind = expression.WhichOneof("expr_type")
    if kind == "unresolved_attribute":
        text = expression.unresolved_attribute.unparsed_identifier
    elif kind == "expression_string":
        text = expression.expression_string.expression
    else:
        raise DeltaAnalysisException(None, "Only columns can be assigned to.")
    return ".".join(identifier_parts(text))


def _expression(message: Any, field: str) -> proto.Expression | None:
    return _copied(getattr(message, field)) if message.HasField(field) else None


def _copied(message: Message) -> proto.Expression:
    return proto.Expression.FromString(message.SerializeToString())


def _relation(message: Message) -> Relation:
    return Relation.FromString(message.SerializeToString())


def _true() -> proto.Expression:
    return proto.Expression(literal=proto.Expression.Literal(boolean=True))


def _data_type(message: Message) -> Any:
    return proto_schema_to_pyspark_data_type(proto.DataType.FromString(message.SerializeToString()))


def _setting(key: str, preparation: Preparation) -> str:
    return preparation.session.settings.snapshot().get(key).lower()


SCHEMAS: dict[str, pa.Schema] = {
    "describe_history": HISTORY,
    "describe_detail": DETAIL,
    "convert_to_delta": pa.schema([("value", pa.string())]),
    "restore_table": pa.schema([(name, pa.int64()) for name in METRICS]),
    "is_delta_table": pa.schema([("value", pa.bool_())]),
    "delete_from_table": AFFECTED,
    "update_table": AFFECTED,
    "merge_into_table": MERGED,
    "optimize_table": OPTIMIZED,
}
RELATIONS: dict[str, Callable[[Any, Preparation], pa.Table]] = {
    "describe_history": describe_history,
    "describe_detail": describe_detail,
    "convert_to_delta": convert_to_delta,
    "restore_table": restore_table,
    "is_delta_table": is_delta_table,
    "delete_from_table": delete_from_table,
    "update_table": update_table,
    "merge_into_table": merge_into_table,
    "optimize_table": optimize_table,
}
