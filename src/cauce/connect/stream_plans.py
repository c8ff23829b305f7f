"""Plans that read a stream: their analysis, their views, and the refusal to run them as a batch."""

import contextlib
from collections.abc import Iterator

from pyspark.sql.connect import proto
from pyspark.sql.connect.proto import AnalyzePlanRequest, AnalyzePlanResponse, ExecutePlanResponse
from pyspark.sql.connect.types import pyspark_types_to_proto_types
from pyspark.sql.types import StructType

from cauce.connect import forward
from cauce.connect.execution import Execution
from cauce.connect.static_parts import prepare_static_parts
from cauce.connect.wire import Parts
from cauce.plan.printing import tree_text
from cauce.plan.tables import normalized_name
from cauce.plan.walk import walk
from cauce.session import Session
from cauce.streaming.planner import (
    check_batch,
    expand,
    is_source,
    reads_stream,
    refuse_batch_write,
    stream_schema,
)

__all__ = ["STREAM_ANALYSES", "STREAM_COMMANDS", "refuse_stream"]

BATCH_WRITES = {"write_operation": "write", "write_operation_v2": "writeTo"}
"""The commands that write a batch, and what the user called."""


def schema(message: AnalyzePlanRequest.Schema, session: Session) -> AnalyzePlanResponse | None:
    """`df.schema` of a stream."""
    if not reads_stream(message.plan.root, session):
        return None
    found = pyspark_types_to_proto_types(_columns(message.plan.root, session))
    return AnalyzePlanResponse(schema=AnalyzePlanResponse.Schema(schema=found))


def is_streaming(message: AnalyzePlanRequest.IsStreaming, session: Session) -> AnalyzePlanResponse:
    """`df.isStreaming`; a source that cannot be resolved is an error, as any analysis of it is."""
    answer = reads_stream(message.plan.root, session)
    if answer:
        _columns(message.plan.root, session)
    return AnalyzePlanResponse(is_streaming=AnalyzePlanResponse.IsStreaming(is_streaming=answer))


def is_local(message: AnalyzePlanRequest.IsLocal, session: Session) -> AnalyzePlanResponse | None:
    """`df.isLocal()` of a stream; the client asks it to have `df["a.b"]` checked."""
    if not reads_stream(message.plan.root, session):
        return None
    _columns(message.plan.root, session)
    return AnalyzePlanResponse(is_local=AnalyzePlanResponse.IsLocal(is_local=False))


def explain(message: AnalyzePlanRequest.Explain, session: Session) -> AnalyzePlanResponse | None:
    """`df.explain()` of a stream: the relation as it will be cut."""
    if not reads_stream(message.plan.root, session):
        return None
    text = "== Streaming Plan ==\n" + tree_text(message.plan.root)
    return AnalyzePlanResponse(explain=AnalyzePlanResponse.Explain(explain_string=text))


def tree_string(message: AnalyzePlanRequest.TreeString, session: Session) -> AnalyzePlanResponse | None:
    """`df.printSchema()` of a stream."""
    if not reads_stream(message.plan.root, session):
        return None
    schema = _columns(message.plan.root, session)
    text = schema.treeString(message.level) if message.HasField("level") else schema.treeString()
    return AnalyzePlanResponse(tree_string=AnalyzePlanResponse.TreeString(tree_string=text))


def _columns(relation: proto.Relation, session: Session) -> StructType:
    with contextlib.ExitStack() as lease:
        prepare_static_parts(relation, session, lease, running=False)
        return stream_schema(relation, session)


def create_dataframe_view(message: proto.CreateDataFrameViewCommand, execution: Execution) -> Iterator[Parts]:
    """A temporary view over a stream is remembered here, because Sail cannot hold it."""
    name = normalized_name(message.name)
    if reads_stream(message.input, execution.session):
        with contextlib.ExitStack() as lease:
            prepare_static_parts(message.input, execution.session, lease)
            execution.session.views[name] = message.input
            execution.session.view_leases.replace(name, lease.pop_all())
        return iter(())
    execution.session.views.pop(name, None)
    return forward.execute(execution)


def sql_command(message: proto.SqlCommand, execution: Execution) -> Iterator[Parts]:
    """`spark.sql(...)` over a stream stays a relation, to be planned when it is started."""
    relation = message.input if message.HasField("input") else _legacy_sql(message)
    if not reads_stream(relation, execution.session):
        return forward.execute(execution)
    result = ExecutePlanResponse.SqlCommandResult(relation=relation)
    return iter((ExecutePlanResponse(sql_command_result=result),))


def refuse_stream(plan: proto.Plan, session: Session) -> None:
    """Spark's error if a plan that was to run once reads a stream."""
    if plan.HasField("root") and (reads_stream(plan.root, session) or _deduplicates_by_watermark(plan.root)):
        check_batch(expand(plan.root, session), is_streaming=is_source)
    command = plan.command.WhichOneof("command_type")
    if command in BATCH_WRITES and reads_stream(getattr(plan.command, command).input, session):
        raise refuse_batch_write(BATCH_WRITES[command])


def _deduplicates_by_watermark(relation: proto.Relation) -> bool:
    """Whether it has a dropDuplicatesWithinWatermark, which no batch can have."""
    return any(node.deduplicate.within_watermark for node in walk(relation))


def _legacy_sql(message: proto.SqlCommand) -> proto.Relation:
    return proto.Relation(sql=proto.SQL(query=message.sql))


STREAM_ANALYSES = {
    "schema": schema,
    "is_local": is_local,
    "is_streaming": is_streaming,
    "explain": explain,
    "tree_string": tree_string,
}

STREAM_COMMANDS = {
    "create_dataframe_view": create_dataframe_view,
    "sql_command": sql_command,
}
