"""ALTER TABLE: properties, constraints, columns and the protocol of a table."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace

from pyspark.sql.connect.proto import Filter, Relation
from pyspark.sql.types import StructField, StructType

from cauce.clock import Clock
from cauce.delta.actions import Metadata, Protocol
from cauce.delta.constraints import PREFIX, constraints_of, expression_of
from cauce.delta.errors import (
    DeltaAnalysisException,
    DeltaUnsupportedOperationException,
    InvariantViolationException,
)
from cauce.delta.log import DeltaLog
from cauce.delta.protocol import (
    READER_FEATURES,
    WRITER_FEATURES,
    with_features,
)
from cauce.delta.reading import read_file
from cauce.delta.transaction import Operation, Transaction
from cauce.delta.writing import set_table
from cauce.engine import EngineSession, input_leaf
from cauce.plan.build import call

__all__ = [
    "add_columns",
    "add_constraint",
    "add_feature",
    "drop_constraint",
    "drop_feature",
    "set_properties",
    "set_protocol_versions",
    "unset_properties",
]


def set_properties(log: DeltaLog, properties: Mapping[str, str], clock: Clock) -> None:
    """ALTER TABLE ... SET TBLPROPERTIES."""
    transaction, table = _begin(log, clock)
    set_table(transaction, replace(table, configuration={**table.configuration, **properties}))
    transaction.commit(Operation("SET TBLPROPERTIES", {"properties": _json(properties)}))


def unset_properties(log: DeltaLog, names: Iterable[str], clock: Clock, *, if_exists: bool) -> None:
    """ALTER TABLE ... UNSET TBLPROPERTIES."""
    transaction, table = _begin(log, clock)
    gone = list(names)
    for name in gone:
        if name not in table.configuration and not if_exists:
            raise DeltaAnalysisException(
                "DELTA_UNSET_NON_EXISTENT_PROPERTY", property=name, tableName=log.path
            )
    kept = {key: value for key, value in table.configuration.items() if key not in gone}
    set_table(transaction, replace(table, configuration=kept))
    transaction.commit(Operation("UNSET TBLPROPERTIES", {"properties": str(gone)}))


def add_constraint(log: DeltaLog, name: str, sql: str, clock: Clock, engine: EngineSession) -> None:
    """ALTER TABLE ... ADD CONSTRAINT ... CHECK (...): rows that are there must satisfy it."""
    transaction, table = _begin(log, clock)
    known = {key.lower(): value for key, value in constraints_of(table).items()}
    if name.lower() in known:
        raise DeltaAnalysisException(
            "DELTA_CONSTRAINT_ALREADY_EXISTS", constraintName=name, oldConstraint=known[name.lower()]
        )
    broken = call("not", call("<=>", expression_of(f"({sql})"), expression_of("true")))
    relation = Relation(filter=Filter(input=input_leaf("rows"), condition=broken))
    transaction.reads_whole_table = True
    for file in transaction.snapshot.files.values():
        rows = engine.run(relation, {"rows": read_file(log.path, file, table)})
        if rows.num_rows:
            raise InvariantViolationException(
                "DELTA_NEW_CHECK_CONSTRAINT_VIOLATION",
                numRows=rows.num_rows,
                tableName=f"delta.`{log.path}`",
                checkConstraint=sql,
            )
    configuration = {**table.configuration, f"{PREFIX}{name.lower()}": sql}
    set_table(transaction, replace(table, configuration=configuration))
    transaction.commit(Operation("ADD CONSTRAINT", {"name": name, "expr": sql}))


def drop_constraint(log: DeltaLog, name: str, clock: Clock, *, if_exists: bool) -> None:
    """ALTER TABLE ... DROP CONSTRAINT."""
    transaction, table = _begin(log, clock)
    key = f"{PREFIX}{name.lower()}"
    if key not in table.configuration:
        if if_exists:
            return
        raise DeltaAnalysisException(
            "DELTA_CONSTRAINT_DOES_NOT_EXIST",
            constraintName=name,
            tableName=f"delta.`{log.path}`",
            config="spark.databricks.delta.constraints.assumesDropIfExists.enabled",
            confValue="true",
        )
    kept = {k: v for k, v in table.configuration.items() if k != key}
    transaction.set_metadata(replace(table, configuration=kept))
    transaction.commit(Operation("DROP CONSTRAINT", {"name": name}))


def add_columns(log: DeltaLog, columns: StructType, clock: Clock) -> None:
    """ALTER TABLE ... ADD COLUMNS: new columns at the end, null in the rows that are there."""
    transaction, table = _begin(log, clock)
    known = {name.lower() for name in table.schema.names}
    for column in columns:
        if column.name.lower() in known:
            raise DeltaAnalysisException("DELTA_DUPLICATE_COLUMNS_FOUND", duplicateCols=column.name)
    added = [StructField(c.name, c.dataType, True, c.metadata) for c in columns]
    set_table(transaction, table.with_schema(StructType([*table.schema, *added])))
    transaction.commit(Operation("ADD COLUMNS", {"columns": columns.json()}))


def set_protocol_versions(log: DeltaLog, reader: int, writer: int, clock: Clock) -> None:
    """`upgradeTableProtocol`: at least these versions; they never fall."""
    transaction, _ = _begin(log, clock)
    now = transaction.snapshot.protocol
    if reader > 3 or writer > 7 or reader < 1 or writer < 2 or reader == 2 or writer in (5, 6):
        raise DeltaUnsupportedOperationException(
            "DELTA_UNSUPPORTED_FEATURES_FOR_WRITE",
            tableNameOrPath=log.path,
            deltaVersion="4.4",
            unsupported=f"protocol versions ({reader}, {writer})",
        )
    raised = with_features(now, ()) if writer < 7 else with_features(now, {"appendOnly", "invariants"})
    raised = replace(raised, min_reader=max(now.min_reader, reader), min_writer=max(now.min_writer, writer))
    _set_protocol(transaction, now, raised, "UPGRADE PROTOCOL")


def add_feature(log: DeltaLog, feature: str, clock: Clock) -> None:
    """`addFeatureSupport`: the protocol with one more feature."""
    transaction, _ = _begin(log, clock)
    known = {name.lower(): name for name in READER_FEATURES | WRITER_FEATURES}
    if feature.lower() not in known:
        raise DeltaUnsupportedOperationException(
            "DELTA_UNSUPPORTED_FEATURES_FOR_WRITE",
            tableNameOrPath=log.path,
            deltaVersion="4.4",
            unsupported=feature,
        )
    now = transaction.snapshot.protocol
    _set_protocol(transaction, now, with_features(now, {known[feature.lower()]}), "UPGRADE PROTOCOL")


def drop_feature(log: DeltaLog, feature: str) -> None:
    """`dropFeatureSupport` would have to rewrite the table's history, which is not done here."""
    protocol = log.existing().protocol
    names = {name.lower() for name in protocol.reader_features | protocol.writer_features}
    if feature.lower() not in names:
        raise DeltaAnalysisException("DELTA_FEATURE_DROP_FEATURE_NOT_PRESENT", feature=feature)
    raise DeltaUnsupportedOperationException("DELTA_FEATURE_DROP_NONREMOVABLE_FEATURE", feature=feature)


def _begin(log: DeltaLog, clock: Clock) -> tuple[Transaction, Metadata]:
    log.existing()
    transaction = Transaction(log, clock)
    return transaction, transaction.snapshot.table


def _set_protocol(transaction: Transaction, now: Protocol, raised: Protocol, operation: str) -> None:
    if raised == now:
        return
    transaction.set_protocol(raised)
    transaction.commit(Operation(operation, {"newProtocol": json.dumps(raised.action()["protocol"])}))


def _json(properties: Mapping[str, str]) -> str:
    return json.dumps(dict(properties), separators=(",", ":"))
