"""A streaming leaf of the user's relation: which source it names, and the schema that source has."""

import json
from dataclasses import dataclass

from pyspark.sql.connect.proto import Relation
from pyspark.sql.types import StructType

from cauce.clock import Clock
from cauce.conf import Conf
from cauce.files import open_file_system
from cauce.plan.walk import kind
from cauce.session import Session
from cauce.streaming.sources import SourceContext, SourceOptions, source_class

__all__ = ["SourceLeaf", "is_source", "resolve_source", "source_context"]


@dataclass(frozen=True)
class SourceLeaf:
    """A source the query reads: what the user wrote, and the schema it has."""

    options: SourceOptions
    schema: StructType


def is_source(relation: Relation) -> bool:
    """Whether this relation itself reads a stream."""
    return kind(relation) == "read" and relation.read.is_streaming


def source_context(session: Session, conf: Conf, clock: Clock) -> SourceContext:
    """A context to describe sources with; a running source gets one with its own metadata folder."""
    file_system, path = open_file_system("/")
    return SourceContext(clock, conf, file_system, path, session.engine, session.data_sources)


def resolve_source(leaf: Relation, context: SourceContext) -> SourceLeaf:
    """What the user wrote on `readStream`, with the schema the source says it has."""
    if leaf.read.HasField("named_table"):
        table = leaf.read.named_table
        options = SourceOptions("table", paths=(table.unparsed_identifier,), options=dict(table.options))
    else:
        source = leaf.read.data_source
        schema = _parse_schema(source.schema, context) if source.schema else None
        options = SourceOptions(source.format, schema, tuple(source.paths), dict(source.options))
    described = source_class(options, context).describe_schema(options, context)
    return SourceLeaf(options, described)


def _parse_schema(text: str, context: SourceContext) -> StructType:
    """A schema as the client sends it: JSON, or DDL for the engine to parse."""
    if text.lstrip().startswith("{"):
        return StructType.fromJson(json.loads(text))
    return context.engine.parse_ddl(text)
