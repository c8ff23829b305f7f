"""The messages of Delta Lake's Spark Connect extension, read by field number.

The official client brings classes for them, but a server must not need the client, and one protobuf pool
takes a file only once. So the messages are described here again, under a package of cauce's own; the bytes
are the same. Source: delta/connect/{base,relations,commands}.proto of Delta Lake 4.4.
"""

from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from pyspark.sql.connect.proto import expressions_pb2, relations_pb2, types_pb2

__all__ = ["COMMAND_URL", "RELATION_URL", "parse_command", "parse_relation"]

RELATION_URL = "type.googleapis.com/delta.connect.DeltaRelation"
COMMAND_URL = "type.googleapis.com/delta.connect.DeltaCommand"
PACKAGE = "cauce.delta"

RELATION = "spark.connect.Relation"
EXPRESSION = "spark.connect.Expression"
DATA_TYPE = "spark.connect.DataType"

MESSAGES: dict[str, list[tuple[int, str, str]]] = {
    "Entry": [(1, "key", "string"), (2, "value", "string")],
    "Path": [(1, "path", "string"), (2, "hadoop_conf", "repeated Entry")],
    "DeltaTable": [(1, "path", "optional Path"), (2, "table_or_view_name", "optional string")],
    "Scan": [(1, "table", "DeltaTable")],
    "DescribeHistory": [(1, "table", "DeltaTable")],
    "DescribeDetail": [(1, "table", "DeltaTable")],
    "ConvertToDelta": [
        (1, "identifier", "string"),
        (2, "partition_schema_string", "optional string"),
        (3, "partition_schema_struct", DATA_TYPE),
    ],
    "RestoreTable": [
        (1, "table", "DeltaTable"),
        (2, "version", "optional int64"),
        (3, "timestamp", "optional string"),
    ],
    "IsDeltaTable": [(1, "path", "string")],
    "Assignment": [(1, "field", EXPRESSION), (2, "value", EXPRESSION)],
    "DeleteFromTable": [(1, "target", RELATION), (2, "condition", EXPRESSION)],
    "UpdateTable": [
        (1, "target", RELATION),
        (2, "condition", EXPRESSION),
        (3, "assignments", "repeated Assignment"),
    ],
    "Nothing": [],
    "Assignments": [(1, "assignments", "repeated Assignment")],
    "MergeAction": [
        (1, "condition", EXPRESSION),
        (2, "delete_action", "Nothing"),
        (3, "update_action", "Assignments"),
        (4, "update_star_action", "Nothing"),
        (5, "insert_action", "Assignments"),
        (6, "insert_star_action", "Nothing"),
    ],
    "MergeIntoTable": [
        (1, "target", RELATION),
        (2, "source", RELATION),
        (3, "condition", EXPRESSION),
        (4, "matched_actions", "repeated MergeAction"),
        (5, "not_matched_actions", "repeated MergeAction"),
        (6, "not_matched_by_source_actions", "repeated MergeAction"),
        (7, "with_schema_evolution", "bool"),
    ],
    "OptimizeTable": [
        (1, "table", "DeltaTable"),
        (2, "partition_filters", "repeated string"),
        (3, "zorder_columns", "repeated string"),
    ],
    "DeltaRelation": [
        (1, "scan", "Scan"),
        (2, "describe_history", "DescribeHistory"),
        (3, "describe_detail", "DescribeDetail"),
        (4, "convert_to_delta", "ConvertToDelta"),
        (5, "restore_table", "RestoreTable"),
        (6, "is_delta_table", "IsDeltaTable"),
        (7, "delete_from_table", "DeleteFromTable"),
        (8, "update_table", "UpdateTable"),
        (9, "merge_into_table", "MergeIntoTable"),
        (10, "optimize_table", "OptimizeTable"),
    ],
    "CloneTable": [
        (1, "table", "DeltaTable"),
        (2, "target", "string"),
        (3, "version", "optional int32"),
        (4, "timestamp", "optional string"),
        (5, "is_shallow", "bool"),
        (6, "replace", "bool"),
        (7, "properties", "repeated Entry"),
    ],
    "VacuumTable": [(1, "table", "DeltaTable"), (2, "retention_hours", "optional double")],
    "UpgradeTableProtocol": [
        (1, "table", "DeltaTable"),
        (2, "reader_version", "int32"),
        (3, "writer_version", "int32"),
    ],
    "Generate": [(1, "table", "DeltaTable"), (2, "mode", "string")],
    "IdentityInfo": [(1, "start", "int64"), (2, "step", "int64"), (3, "allow_explicit_insert", "bool")],
    "Column": [
        (1, "name", "string"),
        (2, "data_type", DATA_TYPE),
        (3, "nullable", "bool"),
        (4, "generated_always_as", "optional string"),
        (5, "comment", "optional string"),
        (6, "identity_info", "IdentityInfo"),
    ],
    "CreateDeltaTable": [
        (1, "mode", "int32"),
        (2, "table_name", "optional string"),
        (3, "location", "optional string"),
        (4, "comment", "optional string"),
        (5, "columns", "repeated Column"),
        (6, "partitioning_columns", "repeated string"),
        (7, "properties", "repeated Entry"),
        (8, "clustering_columns", "repeated string"),
    ],
    "AddFeatureSupport": [(1, "table", "DeltaTable"), (2, "feature_name", "string")],
    "DropFeatureSupport": [
        (1, "table", "DeltaTable"),
        (2, "feature_name", "string"),
        (3, "truncate_history", "bool"),
    ],
    "DeltaCommand": [
        (1, "clone_table", "CloneTable"),
        (2, "vacuum_table", "VacuumTable"),
        (3, "upgrade_table_protocol", "UpgradeTableProtocol"),
        (4, "generate", "Generate"),
        (5, "create_delta_table", "CreateDeltaTable"),
        (6, "add_feature_support", "AddFeatureSupport"),
        (7, "drop_feature_support", "DropFeatureSupport"),
    ],
}
"""Message -> its fields: number, name, and type as in a .proto file."""

Field = descriptor_pb2.FieldDescriptorProto
SCALARS = {
    "string": Field.TYPE_STRING,
    "bool": Field.TYPE_BOOL,
    "int32": Field.TYPE_INT32,
    "int64": Field.TYPE_INT64,
    "double": Field.TYPE_DOUBLE,
}


def parse_relation(data: bytes) -> Any:
    """The one relation inside a DeltaRelation, as (name, message)."""
    return _only(_class("DeltaRelation").FromString(data))


def parse_command(data: bytes) -> Any:
    """The one command inside a DeltaCommand, as (name, message)."""
    return _only(_class("DeltaCommand").FromString(data))


def _only(message: Any) -> tuple[str, Any]:
    [(field, value)] = message.ListFields()
    return field.name, value


def _class(name: str) -> Any:
    pool = descriptor_pool.Default()
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{PACKAGE}.{name}"))


def _file() -> descriptor_pb2.FileDescriptorProto:
    described = descriptor_pb2.FileDescriptorProto(
        name="cauce/delta.proto",
        package=PACKAGE,
        syntax="proto3",
        dependency=[module.DESCRIPTOR.name for module in (expressions_pb2, relations_pb2, types_pb2)],
    )
    for name, fields in MESSAGES.items():
        message = described.message_type.add(name=name)
        for number, field_name, kind in fields:
            _add_field(message, number, field_name, kind)
    return described


def _add_field(message: descriptor_pb2.DescriptorProto, number: int, name: str, kind: str) -> None:
    label, _, bare = kind.rpartition(" ")
    field = message.field.add(name=name, number=number)
    field.label = Field.LABEL_REPEATED if label == "repeated" else Field.LABEL_OPTIONAL
    if bare in SCALARS:
        field.type = SCALARS[bare]
        if label == "optional":  # Presence of a scalar is a oneof of one field.
            field.proto3_optional = True
            field.oneof_index = len(message.oneof_decl)
            message.oneof_decl.add(name=f"_{name}")
    else:
        field.type = Field.TYPE_MESSAGE
        field.type_name = f".{bare}" if bare.startswith("spark.") else f".{PACKAGE}.{bare}"


descriptor_pool.Default().Add(_file())
