"""Replacing names by what they stand for: views over streams, and SQL over such views."""

from collections.abc import Callable, Mapping

from pyspark.sql.connect.proto import Relation, SubqueryAlias

from cauce.plan.sql import parse_query
from cauce.plan.tables import identifier_parts, normalized_name, reads_stream_keyword, referenced_tables
from cauce.plan.walk import is_streaming, kind, transform, walk
from cauce.session import Session

__all__ = ["expand", "reads_stream"]

Columns = Callable[[Relation], list[str]]
Views = Mapping[str, Relation]


def expand(relation: Relation, session: Session, columns: Columns | None = None) -> Relation:
    """The relation with every streaming view and every SQL text over one replaced by relations.

    `columns` tells the columns of a relation that SQL reads from; see `parse_query`.
    """
    return _expand(relation, session.views, columns)


def reads_stream(relation: Relation, session: Session) -> bool:
    """Whether the relation reads a stream, also through views and SQL text."""
    return is_streaming(relation, session.views) or any(
        kind(node) == "sql" and reads_stream_keyword(node.sql.query) for node in walk(relation)
    )


def _expand(relation: Relation, views: Views, columns: Columns | None) -> Relation:
    return transform(relation, lambda node: _expand_node(node, views, columns))


def _expand_node(node: Relation, views: Views, columns: Columns | None) -> Relation:
    match kind(node):
        case "sql" if _mentions_stream(node.sql.query, views):
            return _with_id_of(node, _expand(parse_query(node.sql, columns), views, columns))
        case "with_relations" if named := _streaming_arguments(node):
            scope = {**views, **named}
            seen = columns and (lambda part: columns(_expand(part, scope, columns)))
            return _with_id_of(node, _expand(node.with_relations.root, scope, seen))
        case "read" if node.read.HasField("named_table"):
            name = node.read.named_table.unparsed_identifier
            view = views.get(normalized_name(name))
            if view is None:
                return node
            alias = SubqueryAlias(input=_expand(view, views, columns), alias=identifier_parts(name)[-1])
            return _with_id_of(node, Relation(subquery_alias=alias))
        case _:
            return node


def _streaming_arguments(node: Relation) -> dict[str, Relation]:
    """The frames of `spark.sql("... {frame}", frame=df)` by their names in the text, if one is a stream."""
    if kind(node.with_relations.root) != "sql":
        return {}
    frames = [
        part.subquery_alias for part in node.with_relations.references if kind(part) == "subquery_alias"
    ]
    if not any(is_streaming(frame.input) for frame in frames):
        return {}
    return {normalized_name(frame.alias): frame.input for frame in frames}


def _mentions_stream(query: str, views: Views) -> bool:
    return reads_stream_keyword(query) or any(name in views for name in referenced_tables(query))


def _with_id_of(original: Relation, expanded: Relation) -> Relation:
    if original.common.HasField("plan_id"):
        copy = Relation()
        copy.CopyFrom(expanded)
        copy.common.plan_id = original.common.plan_id
        return copy
    return expanded
