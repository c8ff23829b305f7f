"""The batch twin of a streaming relation: the same relation over empty tables, for the engine to analyse."""

from pyspark.sql.connect.proto import Relation
from pyspark.sql.pandas.types import to_arrow_schema
from pyspark.sql.types import StructType

from cauce.engine import EngineSession
from cauce.engine.substitute import local_relation
from cauce.plan.transform_with_state import is_transform_with_state
from cauce.plan.walk import kind, plan_id, transform
from cauce.streaming.planner.source_leaf import is_source, resolve_source
from cauce.streaming.planner.transform_with_state import output_schema
from cauce.streaming.sources import SourceContext

__all__ = ["BatchTwin"]


class BatchTwin:
    """Asks the engine what a streaming relation's columns are."""

    def __init__(self, engine: EngineSession, context: SourceContext) -> None:
        self._engine = engine
        self._context = context

    def schema(self, relation: Relation) -> StructType:
        """The columns of a relation whose names are expanded."""
        return self._engine.schema(transform(relation, self._replace))

    def columns(self, relation: Relation) -> list[str]:
        """The names of `schema`."""
        return self.schema(relation).names

    def _replace(self, node: Relation) -> Relation:
        """Sources become empty tables; nodes that only streams know become what lies below them."""
        if is_source(node):
            schema = resolve_source(node, self._context).schema
            return _with_id_of(node, self._empty(schema))
        match kind(node):
            case "with_watermark":
                return _with_id_of(node, node.with_watermark.input)
            case "collect_metrics":
                return _with_id_of(node, node.collect_metrics.input)
            case "apply_in_pandas_with_state":
                schema = self._engine.parse_ddl(node.apply_in_pandas_with_state.output_schema)
                return _with_id_of(node, self._empty(schema))
            case "group_map" if is_transform_with_state(node):
                return _with_id_of(node, self._empty(output_schema(node.group_map, self._engine)))
            case "deduplicate" if node.deduplicate.within_watermark:
                copy = Relation()
                copy.CopyFrom(node)
                copy.deduplicate.within_watermark = False
                return copy
        return node

    def _empty(self, schema: StructType) -> Relation:
        return local_relation(to_arrow_schema(schema, timezone=self._engine.time_zone).empty_table())


def _with_id_of(original: Relation, replacement: Relation) -> Relation:
    """`df.x` still finds its frame: a replaced node hands its id on."""
    if plan_id(original) is None:
        return replacement
    copy = Relation()
    copy.CopyFrom(replacement)
    copy.common.plan_id = original.common.plan_id
    return copy
