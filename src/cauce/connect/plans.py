"""Plans as Sail can run them: what Sail does not know is replaced before a plan is sent on."""

import contextlib
from collections.abc import Callable, Iterator

import pyarrow as pa
from google.protobuf.message import DecodeError
from pyspark.sql.connect.proto import Command, Plan, Relation

from cauce.connect.batch_forms import aggregate, repartition_by_expression, set_op, with_watermark
from cauce.connect.cached_relations import (
    cached_local_relation,
    cached_remote_relation,
    chunked_cached_local_relation,
)
from cauce.connect.catalog import catalog
from cauce.connect.delta_reads import delta_read
from cauce.connect.delta_relations import extension
from cauce.connect.function_calls import function_calls, sql
from cauce.connect.input_files import check_paths
from cauce.connect.map_order import keep_order
from cauce.connect.metrics import collect_metrics
from cauce.connect.ml import ml_relation
from cauce.connect.preparation import Preparation, replace
from cauce.connect.quantiles import approx_quantile
from cauce.connect.reshaping import freq_items, transpose
from cauce.connect.semantics import semantic_key
from cauce.connect.sequence_ids import number_rows
from cauce.connect.state_sources import state_source
from cauce.connect.summaries import describe, summary
from cauce.connect.table_changes import read_table_changes
from cauce.connect.table_functions import unresolved_table_valued_function
from cauce.connect.transform_with_state import group_map
from cauce.connect.unpivot import unpivot
from cauce.connect.user_types import read_user_types
from cauce.connect.vector_texts import show_string
from cauce.errors import SparkError
from cauce.jdbc import is_jdbc, read_jdbc_tables
from cauce.plan.transformed_frames import name_transformed_frames
from cauce.plan.walk import children, kind
from cauce.session import Session

__all__ = ["PLAN_DEPTH_MAX", "compute", "decompress", "prepare", "roots"]

PLAN_DEPTH_MAX = 500
DECOMPRESSED_BYTES_MAX = 512 * 1024 * 1024


def _read(node: Relation, preparation: Preparation) -> None:
    """What cauce reads itself, and files."""
    if not state_source(node, preparation):
        delta_read(node, preparation)
        check_paths(node, preparation)
        read_user_types(node, preparation)


def _sql(node: Relation, preparation: Preparation) -> None:
    """A text with table functions or functions that Sail lacks."""
    read_table_changes(node, preparation)
    if kind(node) == "sql":
        sql(node, preparation)


REWRITES: dict[str, Callable[[Relation, Preparation], None]] = {
    "aggregate": aggregate,
    "approx_quantile": approx_quantile,
    "cached_local_relation": cached_local_relation,
    "cached_remote_relation": cached_remote_relation,
    "chunked_cached_local_relation": chunked_cached_local_relation,
    "catalog": catalog,
    "collect_metrics": collect_metrics,
    "describe": describe,
    "extension": extension,
    "group_map": group_map,
    "project": number_rows,
    "freq_items": freq_items,
    "map_partitions": keep_order,
    "ml_relation": ml_relation,
    "read": _read,
    "repartition_by_expression": repartition_by_expression,
    "set_op": set_op,
    "show_string": show_string,
    "sql": _sql,
    "summary": summary,
    "transpose": transpose,
    "unpivot": unpivot,
    "unresolved_table_valued_function": unresolved_table_valued_function,
    "with_watermark": with_watermark,
}
"""By relation type: the function that changes such a relation in place. Children come first."""

INPUTS = {
    "write_operation": "input",
    "write_operation_v2": "input",
    "create_dataframe_view": "input",
    "write_stream_operation_start": "input",
    "sql_command": "input",
    "checkpoint_command": "relation",
    "merge_into_table_command": "source_table_plan",
}
"""The field of a command that holds the relation it works on."""


def prepare(
    relation: Relation,
    session: Session,
    lease: contextlib.ExitStack,
    *,
    running: bool = True,
    pinned: bool = False,
) -> Preparation:
    """Make the relation, in place, one that Sail can run (or only analyse)."""
    preparation = Preparation(session, lease, lambda part: compute(part, session), running, pinned)
    nodes = _nodes(relation, preparation)
    if any(is_jdbc(node) for node in nodes):
        read_jdbc_tables(relation, session.engine, lease)
    if any(kind(node) == "ml_relation" for node in nodes):
        name_transformed_frames(relation)
    for node in reversed(nodes):
        _rewrite(node, preparation)
    return preparation


def compute(relation: Relation, session: Session, *, persisted: bool = False) -> pa.Table:
    """The rows of a relation as the client sent it; of a `persisted` one they are not known yet."""
    copy = Relation()
    copy.CopyFrom(relation)
    with contextlib.ExitStack() as lease:
        for part in children(copy) if persisted else (copy,):
            prepare(part, session, lease)
        if persisted:
            name_transformed_frames(copy)
            _rewrite(copy, Preparation(session, lease, lambda part: compute(part, session)))
        return session.engine.run(copy)


def roots(plan: Plan) -> Iterator[Relation]:
    """The relation of a plan, or of its command if that has one."""
    if plan.HasField("root"):
        yield plan.root
        return
    command = plan.command.WhichOneof("command_type") or ""
    if command in INPUTS:
        message = getattr(plan.command, command)
        if message.HasField(INPUTS[command]):
            yield getattr(message, INPUTS[command])


def decompress(plan: Plan) -> None:
    """Replace a compressed relation or command by what it holds."""
    if plan.WhichOneof("op_type") != "compressed_operation":
        return
    operation = plan.compressed_operation
    try:
        data = _decompressed(operation.data)
        if operation.op_type == Plan.CompressedOperation.OP_TYPE_COMMAND:
            plan.command.CopyFrom(Command.FromString(data))
        else:
            plan.root.CopyFrom(Relation.FromString(data))
    except (DecodeError, OSError) as error:
        raise SparkError("CONNECT_INVALID_PLAN.CANNOT_PARSE", errorMsg=error) from None


def _rewrite(node: Relation, preparation: Preparation) -> None:
    function_calls(node, preparation)
    rewrite = REWRITES.get(kind(node))
    if rewrite is not None:
        rewrite(node, preparation)


def _nodes(relation: Relation, preparation: Preparation) -> list[Relation]:
    """Every relation of the plan, parents first; persisted ones are replaced by their rows at once."""
    cache = preparation.session.persisted
    persisted = cache.kinds() if cache else frozenset()
    found: list[Relation] = []
    pending = [(relation, 1)]
    while pending:
        node, depth = pending.pop()
        if depth > PLAN_DEPTH_MAX:
            raise SparkError("CAUCE_PLAN_TOO_DEEP", limit=PLAN_DEPTH_MAX)
        if kind(node) in persisted and preparation.running and _use_persisted(node, preparation):
            continue
        found.append(node)
        pending.extend((child, depth + 1) for child in children(node))
    return found


def _use_persisted(node: Relation, preparation: Preparation) -> bool:
    session = preparation.session
    entry = session.persisted.get(semantic_key(node))
    if entry is None:
        return False
    table = entry.table(lambda relation: compute(relation, session, persisted=True))
    replace(node, session.engine.leaf(table, preparation.lease))
    return True


def _decompressed(data: bytes) -> bytes:
    with pa.CompressedInputStream(pa.py_buffer(data), "zstd") as stream:
        plain = stream.read(DECOMPRESSED_BYTES_MAX + 1)
    if len(plain) > DECOMPRESSED_BYTES_MAX:
        size = f"more than {DECOMPRESSED_BYTES_MAX}"
        raise SparkError(
            "CONNECT_INVALID_PLAN.PLAN_SIZE_LARGER_THAN_MAX",
            planSize=size,
            maxPlanSize=DECOMPRESSED_BYTES_MAX,
        )
    return plain
