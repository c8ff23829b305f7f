"""`table_changes('t', start [, end])` in SQL: the change data feed as a table that the statement reads."""

import re
import uuid

from pyspark.sql.connect.proto import Relation, SubqueryAlias, WithRelations

from cauce.connect.delta_reads import change_range, changes
from cauce.connect.delta_tables import log_of_name
from cauce.connect.preparation import Preparation, replace
from cauce.delta.errors import table_not_found
from cauce.delta.log import DeltaLog
from cauce.plan.walk import next_plan_id

__all__ = ["read_table_changes"]

TEXT = r"(?:'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\")"
BOUNDARY = rf"(?:\d+|(?:TIMESTAMP\s*)?{TEXT})"
CALL = re.compile(
    rf"\btable_changes(?P<by_path>_by_path)?\s*\(\s*(?P<table>{TEXT})\s*,\s*(?P<start>{BOUNDARY})\s*"
    rf"(?:,\s*(?P<end>{BOUNDARY})\s*)?\)",
    re.IGNORECASE,
)


def read_table_changes(node: Relation, preparation: Preparation) -> None:
    """Put a name in the place of every such call of a SQL text, and the changes under that name."""
    feeds: list[Relation] = []

    def name(call: re.Match[str]) -> str:
        feed = SubqueryAlias(input=_feed(call, preparation), alias=f"table_changes_{uuid.uuid4().hex}")
        feeds.append(Relation(subquery_alias=feed))
        return feed.alias

    text = CALL.sub(name, node.sql.query)
    if not feeds:
        return
    query = Relation()
    query.CopyFrom(node)
    query.sql.query = text
    first = next_plan_id(query)
    for number, part in enumerate([query, *feeds], first):
        part.common.plan_id = number
    replace(node, Relation(with_relations=WithRelations(root=query, references=feeds)))


def _feed(call: re.Match[str], preparation: Preparation) -> Relation:
    table, session = call["table"][1:-1], preparation.session
    log = DeltaLog.open(table) if call["by_path"] else log_of_name(table, session)
    if not log.exists():
        raise table_not_found(log.path)
    options = _boundary("starting", call["start"]) | _boundary("ending", call["end"])
    return changes(log, change_range(log, options, session), preparation)


def _boundary(which: str, text: str | None) -> dict[str, str]:
    """A version, or a moment in quotes."""
    if text is None:
        return {}
    if text.isdecimal():
        return {f"{which}version": text}
    return {f"{which}timestamp": re.sub(r"(?i)^TIMESTAMP\s*", "", text)[1:-1]}
