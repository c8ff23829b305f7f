"""Replacing names by what they stand for: views over streams, SQL over such views, inlined references."""

from pyspark.sql.connect.proto import Relation, SubqueryAlias

from cauce.plan.tables import identifier_parts, normalized_name, referenced_tables
from cauce.plan.walk import is_streaming, kind, transform
from cauce.session import Session

__all__ = ["expand", "reads_stream"]


def expand(relation: Relation, session: Session) -> Relation:
    """The relation with every streaming view and every SQL text over one replaced by relations."""
    return transform(relation, lambda node: _expand_node(node, session))


def reads_stream(relation: Relation, session: Session) -> bool:
    """Whether the relation reads a stream, also through views and SQL text."""
    return is_streaming(relation, session.views)


def _expand_node(node: Relation, session: Session) -> Relation:
    match kind(node):
        case "sql" if _mentions_stream(node.sql.query, session):
            from cauce.plan.sql import parse_query  # sqlglot is only loaded by those who use SQL

            return _with_id_of(node, expand(parse_query(node.sql), session))
        case "read" if node.read.HasField("named_table") and not node.read.is_streaming:
            name = node.read.named_table.unparsed_identifier
            view = session.views.get(normalized_name(name))
            if view is None:
                return node
            alias = SubqueryAlias(input=expand(view, session), alias=identifier_parts(name)[-1])
            return _with_id_of(node, Relation(subquery_alias=alias))
        case _:
            return node


def _mentions_stream(query: str, session: Session) -> bool:
    if "stream" in query.lower():
        return True
    return any(name in session.views for name in referenced_tables(query))


def _with_id_of(original: Relation, expanded: Relation) -> Relation:
    if original.common.HasField("plan_id"):
        copy = Relation()
        copy.CopyFrom(expanded)
        copy.common.plan_id = original.common.plan_id
        return copy
    return expanded
