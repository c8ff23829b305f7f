"""What the official Delta client commands, one function per message of `DeltaCommand`."""

from collections.abc import Callable, Iterator
from typing import Any

from pyspark.sql.connect import proto
from pyspark.sql.connect.types import proto_schema_to_pyspark_data_type
from pyspark.sql.types import DataType, StructField, StructType

from cauce.connect.delta_tables import CLOCK, find_log, log_of_table, version_of_moment
from cauce.connect.execution import Execution
from cauce.delta.alter import add_feature, drop_feature, set_protocol_versions
from cauce.delta.catalog import register
from cauce.delta.creation import Description, clone, create
from cauce.delta.errors import DeltaAnalysisException, DeltaUnsupportedOperationException
from cauce.delta.log import DeltaLog
from cauce.delta.manifest import generate_manifest
from cauce.delta.messages import COMMAND_URL, parse_command
from cauce.delta.properties import default_properties
from cauce.delta.vacuum import CHECK, vacuum
from cauce.errors import SparkError
from cauce.files import open_file_system
from cauce.session import Session

__all__ = ["DELTA_COMMANDS", "checks_retention", "table_folder"]

CREATE, CREATE_IF_NOT_EXISTS, REPLACE, CREATE_OR_REPLACE = 1, 2, 3, 4
OPERATIONS = {
    CREATE: "CREATE TABLE",
    CREATE_IF_NOT_EXISTS: "CREATE TABLE",
    REPLACE: "REPLACE TABLE",
    CREATE_OR_REPLACE: "CREATE OR REPLACE TABLE",
}


def extension(message: Any, execution: Execution) -> Iterator[proto.ExecutePlanResponse]:
    """A command of a Connect extension: Delta's is the only one there is."""
    if message.type_url != COMMAND_URL:
        raise SparkError("CONNECT_INVALID_PLAN.NOT_FOUND_UNSUPPORTED_COMMAND", command=message.type_url)
    name, command = parse_command(message.value)
    COMMANDS[name](command, execution.session)
    return iter(())


def vacuum_table(command: Any, session: Session) -> None:
    hours = command.retention_hours if command.HasField("retention_hours") else None
    vacuum(log_of_table(command.table, session), CLOCK, hours=hours, checked=checks_retention(session))


def checks_retention(session: Session) -> bool:
    """Whether a short retention is refused."""
    return session.settings.snapshot().get(CHECK).lower() != "false"


def clone_table(command: Any, session: Session) -> None:
    source = log_of_table(command.table, session)
    version = command.version if command.HasField("version") else None
    if command.HasField("timestamp"):
        version = version_of_moment(source, command.timestamp, session)
    snapshot = source.existing() if version is None else source.snapshot_at(version)
    target = DeltaLog.open(command.target)
    if not command.is_shallow:
        raise DeltaUnsupportedOperationException(None, "Only shallow clones are supported, as in Delta Lake.")
    properties = {entry.key: entry.value for entry in command.properties}
    clone(source, snapshot, target, CLOCK, properties=properties, replaces=command.replace)


def generate(command: Any, session: Session) -> None:
    generate_manifest(log_of_table(command.table, session), command.mode)


def upgrade_table_protocol(command: Any, session: Session) -> None:
    log = log_of_table(command.table, session)
    set_protocol_versions(log, command.reader_version, command.writer_version, CLOCK)


def add_feature_support(command: Any, session: Session) -> None:
    add_feature(log_of_table(command.table, session), command.feature_name, CLOCK)


def drop_feature_support(command: Any, session: Session) -> None:
    drop_feature(log_of_table(command.table, session), command.feature_name)


def create_delta_table(command: Any, session: Session) -> None:
    """`DeltaTable.create(...).execute()` and its three siblings."""
    if command.clustering_columns:
        raise DeltaUnsupportedOperationException(None, "Clustering of Delta tables is not supported.")
    name = command.table_name if command.HasField("table_name") else None
    location = command.location if command.HasField("location") else None
    if name is None and location is None:
        raise DeltaAnalysisException("DELTA_CREATE_TABLE_MISSING_TABLE_NAME_OR_LOCATION")
    known = find_log(name, session) if name else None
    log = known or DeltaLog.open(location or table_folder(name or "", session))
    if _make(log, command, name, session) and name and known is None:
        register(name, log, session.engine)


def table_folder(name: str, session: Session) -> str:
    """`<warehouse>/<table>`, or `<warehouse>/<database>.db/<table>`."""
    warehouse = session.settings.snapshot().get("spark.sql.warehouse.dir") or "spark-warehouse"
    *database, table = [part.strip("`") for part in name.lower().split(".")]
    folder = f"{database[-1]}.db/" if database and database[-1] not in ("default", "delta") else ""
    return open_file_system(f"{warehouse}/{folder}{table}")[1]


def _make(log: DeltaLog, command: Any, name: str | None, session: Session) -> bool:
    """Whether there is a table now that the catalogue may have to hear of."""
    exists, label = log.exists(), name or f"delta.`{log.path}`"
    if exists and command.mode == CREATE:
        raise DeltaAnalysisException("DELTA_TABLE_ALREADY_EXISTS", tableName=label)
    if exists and command.mode == CREATE_IF_NOT_EXISTS:
        return True
    if not exists and command.mode == REPLACE:
        raise DeltaAnalysisException("DELTA_CANNOT_REPLACE_MISSING_TABLE", tableName=label)
    given = {entry.key: entry.value for entry in command.properties}
    description = Description(
        schema=StructType([_field(column, session) for column in command.columns]),
        partition_by=tuple(command.partitioning_columns),
        properties={**default_properties(session.settings.snapshot().values), **given},
        comment=command.comment if command.HasField("comment") else None,
    )
    create(log, description, CLOCK, replaces=exists, operation=OPERATIONS[command.mode])
    return True


def _field(column: Any, session: Session) -> StructField:
    notes: dict[str, Any] = {}
    if column.HasField("comment"):
        notes["comment"] = column.comment
    if column.HasField("generated_always_as"):
        notes["delta.generationExpression"] = column.generated_always_as
    if column.HasField("identity_info"):
        info = column.identity_info
        notes |= {
            "delta.identity.start": info.start,
            "delta.identity.step": info.step,
            "delta.identity.allowExplicitInsert": info.allow_explicit_insert,
        }
    return StructField(column.name, _data_type(column, session), column.nullable, notes)


def _data_type(column: Any, session: Session) -> DataType:
    """As the client sends it: a type, or its name for the server to parse."""
    data = proto.DataType.FromString(column.data_type.SerializeToString())
    if data.WhichOneof("kind") == "unparsed":
        return session.engine.parse_ddl(f"c {data.unparsed.data_type_string}").fields[0].dataType
    return proto_schema_to_pyspark_data_type(data)


COMMANDS: dict[str, Callable[[Any, Session], None]] = {
    "clone_table": clone_table,
    "vacuum_table": vacuum_table,
    "upgrade_table_protocol": upgrade_table_protocol,
    "generate": generate,
    "create_delta_table": create_delta_table,
    "add_feature_support": add_feature_support,
    "drop_feature_support": drop_feature_support,
}
DELTA_COMMANDS = {"extension": extension}
