"""The batch twin of a streaming relation: the same relation over empty tables, for the engine to analyse."""

from pyspark.sql.connect.proto import Relation
from pyspark.sql.pandas.types import to_arrow_schema
from pyspark.sql.types import StructType

from cauce.engine import EngineSession
from cauce.engine.substitute import local_relation
from cauce.plan.walk import kind, plan_id, transform
from cauce.streaming.planner.source_leaf import is_source, resolve_source
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
            empty = to_arrow_schema(schema, timezone=self._engine.time_zone).empty_table()
            return _with_id_of(node, local_relation(empty))
        match kind(node):
            case "with_watermark":
                return _with_id_of(node, node.with_watermark.input)
            case "collect_metrics":
                return _with_id_of(node, node.collect_metrics.input)
            case "apply_in_pandas_with_state":
                schema = self._engine.parse_ddl(node.apply_in_pandas_with_state.output_schema)
                empty = to_arrow_schema(schema, timezone=self._engine.time_zone).empty_table()
                return _with_id_of(node, local_relation(empty))
            case "deduplicate" if node.deduplicate.within_watermark:
                copy = Relation()
                copy.CopyFrom(node)
                copy.deduplicate.within_watermark = False
                return copy
        return node


def _with_id_of(original: Relation, replacement: Relation) -> Relation:
    """`df.x` still finds its frame: a replaced node hands its id on."""
    if plan_id(original) is None:
        return replacement
    copy = Relation()
    copy.CopyFrom(replacement)
    copy.common.plan_id = original.common.plan_id
    return copy
