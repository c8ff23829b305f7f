"""Opening the state of a run: every store as the last commit left it, if the operator may have it so."""

from collections.abc import Iterable, Mapping
from typing import Any

from cauce.checkpoint import Checkpoint, OperatorProperties
from cauce.conf import Conf
from cauce.errors import UnsupportedOperationException
from cauce.state import StateOptions, StateStore
from cauce.streaming.planner.nodes import RemembersNode
from cauce.streaming.planner.user_state import DeclaresState
from cauce.streaming.state_agreement import may_add_fields

__all__ = ["check_properties", "dormant_state", "open_stores"]

References = Mapping[str, Any]
"""What the last commit says about each operator's stores."""


def open_stores(
    nodes: Iterable[RemembersNode], checkpoint: Checkpoint, references: References, conf: Conf
) -> dict[int, dict[str, StateStore]]:
    """The stores of each operator, by operator id and name."""
    return {
        node.index: _open_stores(
            node, checkpoint, references, StateOptions(allow_added_fields=may_add_fields(node, conf))
        )
        for node in nodes
    }


def check_properties(nodes: Iterable[RemembersNode], checkpoint: Checkpoint, batch_id: int) -> None:
    """Refuse what a restart may not change, and note down what holds from the batch `batch_id` on."""
    for node in nodes:
        if isinstance(node, DeclaresState):
            _check_properties(node, checkpoint, batch_id)


def dormant_state(nodes: Iterable[RemembersNode], references: References) -> dict[int, dict[str, Any]]:
    """References to stores that the operators do not use now, but may again."""
    return {node.index: _dormant(node, references.get(str(node.index), {})) for node in nodes}


def _open_stores(
    node: RemembersNode, checkpoint: Checkpoint, references: References, options: StateOptions
) -> dict[str, StateStore]:
    committed = references.get(str(node.index), {})
    return {
        name: StateStore.open(
            checkpoint.file_system,
            checkpoint.store_path(node.index, name),
            key_schema=schema.key,
            value_schema=schema.value,
            event_time=schema.event_time,
            multi_row=schema.multi_row,
            prefix_columns=schema.prefix_columns,
            reference=committed.get(name),
            options=options,
        )
        for name, schema in node.store_schemas.items()
    }


def _dormant(node: RemembersNode, committed: Mapping[str, Any]) -> dict[str, Any]:
    gone = {*node.store_schemas, *(node.deleted_stores if isinstance(node, DeclaresState) else ())}
    return {name: reference for name, reference in committed.items() if name not in gone}


def _check_properties(node: DeclaresState, checkpoint: Checkpoint, batch_id: int) -> None:
    """Spark's refusals (TransformWithStateVariableUtils.scala); what is new is written down."""
    kept = OperatorProperties(checkpoint.file_system, checkpoint.state_path, node.index)
    old, new = kept.before(batch_id), node.properties
    if old == new:
        return
    if old is not None:
        for name in ("timeMode", "outputMode"):
            if old[name] != new[name]:
                raise UnsupportedOperationException(
                    "STATE_STORE_INVALID_CONFIG_AFTER_RESTART",
                    configName=name,
                    oldConfig=old[name],
                    newConfig=new[name],
                )
        _check_kinds(old["stateVariables"], new["stateVariables"])
    kept.write(batch_id, node.operator_name, new)


def _check_kinds(old: list[dict[str, Any]], new: list[dict[str, Any]]) -> None:
    kinds = {variable["stateName"]: variable["stateVariableType"] for variable in old}
    for variable in new:
        name, kind = variable["stateName"], variable["stateVariableType"]
        if kinds.get(name, kind) != kind:
            raise UnsupportedOperationException(
                "STATE_STORE_INVALID_VARIABLE_TYPE_CHANGE",
                stateVarName=name,
                oldType=kinds[name],
                newType=kind,
            )
