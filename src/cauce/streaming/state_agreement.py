"""Whether a query may continue on the state of its checkpoint, and the notes about it that it leaves there.

Follows IncrementalExecution and StateSchemaCompatibilityChecker of Apache Spark 4.2: operators must be the
same ones in the same places, and their keys and values have the same types, whatever their names.
"""

from collections.abc import Iterable, Mapping, Sequence

import pyarrow as pa

from cauce.checkpoint import Checkpoint, CommitEntry, OperatorMetadata, SparkStore
from cauce.conf import Conf
from cauce.errors import SparkRuntimeException
from cauce.state.schema import difference, nameless, refusal
from cauce.streaming.operators.layout import StoreLayout
from cauce.streaming.operators.layout_json import layout_of, to_json
from cauce.streaming.planner.nodes import RemembersNode
from cauce.streaming.planner.user_state import DeclaresState

__all__ = ["agree_on_state", "check_state", "may_add_fields"]

SCHEMA_CHECK = "spark.sql.streaming.stateStore.stateSchemaCheck"
"""When false, a query may add fields to its values: groups stored before start them from nothing."""

ENCODING = "spark.sql.streaming.stateStore.encodingFormat"

JOIN_STORES = ("keyToNumValues", "keyWithIndexToValue")
"""Spark keeps two stores for each side of a join, where cauce keeps one."""

NEXT_STEP = (
    "Start the changed query with a new checkpoint location, or go back to the query that wrote this one. "
    "`cauce checkpoint check SCRIPT CHECKPOINT` tells before a start whether a query can continue."
)


def agree_on_state(
    checkpoint: Checkpoint, nodes: Sequence[RemembersNode], commit: CommitEntry | None, conf: Conf
) -> None:
    """Check the operators against the checkpoint, then note down how their state reads."""
    check_state(checkpoint, nodes, commit, conf)
    for node in nodes:
        checkpoint.operators.put(described(node))
    if commit is None:
        for gone in checkpoint.operators.all()[len(nodes) :]:
            checkpoint.operators.remove(gone.operator_id)


def check_state(
    checkpoint: Checkpoint, nodes: Sequence[RemembersNode], commit: CommitEntry | None, conf: Conf
) -> None:
    """Spark's error if the operators are not those whose state the commit refers to."""
    if commit is None:  # nothing was remembered yet
        return
    stored = checkpoint.operators.all()
    if not stored and nodes and commit.state is None:
        raise SparkRuntimeException(
            "STREAMING_STATEFUL_OPERATOR_MISSING_STATE_DIRECTORY",
            OpsInCurBatchSeq=_listed((node.index, node.operator_name) for node in nodes),
        )
    if not stored:
        return
    _check_operators(stored, nodes)
    for operator, node in zip(stored, nodes, strict=True):
        for name, layout in node.store_layouts.items():
            if name in operator.layouts:
                old = layout_of(operator.layouts[name])
                place = f"operator {node.index} ({node.operator_name}), store {name}"
                _check_layout(old, layout, place, may_add=may_add_fields(node, conf))


def may_add_fields(node: RemembersNode, conf: Conf) -> bool:
    """Whether values in state may get more fields than they had.

    Spark's avro encoding lets those of transformWithState grow.
    """
    grows = isinstance(node, DeclaresState) and conf.get(ENCODING) == "avro"
    return grows or conf.get(SCHEMA_CHECK).lower() == "false"


def described(node: RemembersNode) -> OperatorMetadata:
    """What the checkpoint tells about an operator."""
    layouts = node.store_layouts
    stores = tuple(store for name in layouts for store in _spark_stores(name, layouts))
    if isinstance(node, DeclaresState):  # Spark keeps all variables in one store
        stores = (SparkStore("default"),)
    return OperatorMetadata(
        node.index, node.operator_name, stores, {name: to_json(layout) for name, layout in layouts.items()}
    )


def _spark_stores(name: str, layouts: Mapping[str, StoreLayout]) -> Iterable[SparkStore]:
    if set(layouts) == {"left", "right"}:
        return (SparkStore(f"{name}-{part}") for part in JOIN_STORES)
    layout = layouts[name]
    return (SparkStore(name, len(layout.keys.names) if layout.multi_row else 0),)


def _check_operators(stored: Sequence[OperatorMetadata], nodes: Sequence[RemembersNode]) -> None:
    before = [(operator.operator_id, operator.operator_name) for operator in stored]
    now = [(node.index, node.operator_name) for node in nodes]
    if before == now:
        return
    error = SparkRuntimeException(
        "STREAMING_STATEFUL_OPERATOR_NOT_MATCH_IN_STATE_METADATA",
        OpsInMetadataSeq=_listed(before),
        OpsInCurBatchSeq=_listed(now),
    )
    error.args = (f"{error}\n{NEXT_STEP}",)
    raise error


def _listed(operators: Iterable[tuple[int, str]]) -> str:
    return ", ".join(f"(OperatorId: {number} -> OperatorName: {name})" for number, name in operators)


def _check_layout(old: StoreLayout, new: StoreLayout, place: str, *, may_add: bool) -> None:
    old_key, new_key = (pa.schema([p.declared for p in layout.key]) for layout in (old, new))
    reason = difference(nameless(old_key), nameless(new_key))
    if reason is not None:
        raise refusal("key", old_key, new_key, f"In {place}, {reason}. {NEXT_STEP}")
    old_value, new_value = (pa.schema([p.declared for p in layout.value]) for layout in (old, new))
    reason = difference(nameless(old_value), nameless(new_value))
    is_added = len(new_value) > len(old_value)
    if reason is not None and not (may_add and is_added):
        raise refusal("value", old_value, new_value, f"In {place}, {reason}. {NEXT_STEP}")
