"""What a session has defined in Sail by name, remembered so that a clone can start from it."""

import re
from collections.abc import Iterator

from pyspark.sql.connect.proto import Catalog, Command, ExecutePlanRequest, Plan, Relation, TableExists

from cauce.connect import forward
from cauce.connect.execution import Execution
from cauce.session import Operation, Session

__all__ = ["copy_definitions", "definition_of", "remember"]

NAMES = {
    "create_dataframe_view": "name",
    "register_function": "function_name",
    "register_table_function": "function_name",
    "register_data_source": "name",
}
"""The commands that define something, and the field that holds its name."""

TEMPORARY_VIEW = re.compile(
    r"\s*CREATE\s+(?:OR\s+REPLACE\s+)?(?:GLOBAL\s+)?TEMP(?:ORARY)?\s+VIEW\s+(?:IF\s+NOT\s+EXISTS\s+)?"
    r"(?P<name>`[^`]+`|[\w.]+)",
    re.IGNORECASE,
)


def definition_of(command: Command) -> Command | None:
    """A copy of a command that defines something, taken before the command is changed for Sail."""
    kind = command.WhichOneof("command_type") or ""
    if _name(command, kind) is None:
        return None
    definition = Command()
    definition.CopyFrom(command)
    return definition


def remember(definition: Command, session: Session) -> None:
    """Note what was defined; a later definition of the same name takes its place."""
    kind = definition.WhichOneof("command_type") or ""
    key = (kind, _name(definition, kind) or "")
    session.definitions.pop(key, None)
    session.definitions[key] = definition


def copy_definitions(source: Session, target: Session) -> None:
    """Define in `target` what is still defined in `source`."""
    for (kind, name), command in list(source.definitions.items()):
        if kind in ("create_dataframe_view", "sql_command") and not _exists(name, source):
            continue
        for _ in _run(command, target):
            pass
        remember(command, target)


def _name(command: Command, kind: str) -> str | None:
    if kind in NAMES:
        return getattr(getattr(command, kind), NAMES[kind])
    match = TEMPORARY_VIEW.match(command.sql_command.input.sql.query) if kind == "sql_command" else None
    return None if match is None else match["name"].strip("`")


def _exists(view: str, session: Session) -> bool:
    call = Relation(catalog=Catalog(table_exists=TableExists(table_name=view)))
    return bool(session.engine.run(call)[0][0].as_py())


def _run(command: Command, session: Session) -> Iterator[object]:
    request = ExecutePlanRequest(plan=Plan(command=command))  # a copy: running it changes it
    operation = Operation(operation_id="", tags=frozenset(), reattachable=False)
    return forward.execute(Execution(request, session, operation))
