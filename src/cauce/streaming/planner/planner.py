"""The planner's whole path: expand names, rewrite by rules, check, cut."""

from collections.abc import Sequence
from dataclasses import dataclass

from pyspark.sql.connect.proto import Relation
from pyspark.sql.types import StructType

from cauce.clock import Clock, SystemClock
from cauce.conf import Conf
from cauce.plan.avro_functions import rewrite_avro_functions
from cauce.plan.epoch_times import localize_epoch_times
from cauce.plan.event_time import event_times
from cauce.plan.expression_strings import read_expressions
from cauce.plan.file_metadata import read_file_metadata
from cauce.plan.grouping_sets import rewrite_grouping_sets
from cauce.plan.join_columns import name_join_columns
from cauce.plan.join_filters import merge_join_filters
from cauce.plan.join_pruning import prune_join_columns
from cauce.plan.json_failfast import fail_fast_on_json
from cauce.plan.json_moments import read_json_moments
from cauce.plan.map_functions import rewrite_map_functions
from cauce.plan.supplied_functions import supply_functions
from cauce.plan.top_ranks import hint_top_ranks
from cauce.plan.unpivot import rewrite_unpivot
from cauce.plan.vector_functions import rewrite_vector_functions
from cauce.plan.windows import rewrite_windows
from cauce.session import Session
from cauce.streaming.planner.batch_twin import BatchTwin
from cauce.streaming.planner.boundaries import BOUNDARIES
from cauce.streaming.planner.cut import Cutter
from cauce.streaming.planner.expand import expand
from cauce.streaming.planner.nodes import Node, RemembersNode, WatermarkNode, walk_down
from cauce.streaming.planner.portability import portability_notes
from cauce.streaming.planner.recompute_node import mark_last
from cauce.streaming.planner.source_leaf import SourceLeaf, is_source, resolve_source, source_context
from cauce.streaming.planner.unsupported import Node as Tree
from cauce.streaming.planner.unsupported import Query, check_streaming

__all__ = ["RULES", "StreamingPlan", "plan_stream", "stream_schema"]

RULES = (
    lambda relation, _: read_expressions(relation),
    rewrite_avro_functions,
    rewrite_vector_functions,
    fail_fast_on_json,
    read_json_moments,
    rewrite_map_functions,
    supply_functions,
    rewrite_windows,
    rewrite_grouping_sets,
    rewrite_unpivot,
    name_join_columns,
    prune_join_columns,
    localize_epoch_times,
)
"""Applied in this order to the expanded relation; each is a pure function (relation, schema) -> relation."""


@dataclass(frozen=True)
class StreamingPlan:
    """A query's tree of nodes; its sources and watermarks in plan order, its stateful nodes by number."""

    root: Node
    sources: tuple[SourceLeaf, ...]
    watermarks: tuple[WatermarkNode, ...]
    stateful: tuple[RemembersNode, ...]
    portability: tuple[str, ...]
    """What Spark would refuse or do otherwise."""


def plan_stream(
    relation: Relation, session: Session, conf: Conf, *, output_mode: str, clock: Clock | None = None
) -> StreamingPlan:
    """The plan of a streaming relation, or Spark's AnalysisException for what cannot stream."""
    context = source_context(session, conf, clock or SystemClock())
    twin = BatchTwin(session.engine, context)
    expanded = merge_join_filters(expanded_names(relation, session, twin))
    query = Query(
        Tree.tree(expanded, is_source),
        output_mode.lower(),
        conf,
        event_times=lambda part: event_times(part, {}, twin.columns),
        lasting_event_times=lambda part: event_times(part, {}, twin.columns, with_added=False),
        columns=twin.columns,
    )
    check_streaming(query)
    cutter = Cutter(
        session.engine,
        twin,
        lambda leaf: resolve_source(leaf, context),
        BOUNDARIES,
        ansi=conf.flag("spark.sql.ansi.enabled"),
        output_mode=output_mode.lower(),
        relaxed=conf.flag("cauce.sql.streaming.relaxed"),
    )
    rewritten = apply_rules(expanded, twin)
    # In complete mode what lies above the lowest aggregation is the engine's, and it has no state.
    root = cutter.cut(rewritten if cutter.output_mode == "complete" else hint_top_ranks(rewritten))
    mark_last(root)
    stateful = _numbered(root, cutter.stateful)
    notes = portability_notes(query)
    return StreamingPlan(root, tuple(cutter.sources), tuple(cutter.watermarks), stateful, notes)


def stream_schema(relation: Relation, session: Session) -> StructType:
    """The columns a streaming relation has, as the engine resolves them."""
    context = source_context(session, session.settings.snapshot(), SystemClock())
    twin = BatchTwin(session.engine, context)
    return twin.schema(apply_rules(expanded_names(relation, session, twin), twin))


def expanded_names(relation: Relation, session: Session, twin: BatchTwin) -> Relation:
    """The relation with streaming views and SQL over them in it, and no hidden columns."""
    expanded = expand(
        relation, session, lambda part: twin.columns(apply_rules(expanded_names(part, session, twin), twin))
    )
    return read_file_metadata(read_expressions(expanded))


def _numbered(root: Node, stateful: Sequence[RemembersNode]) -> tuple[RemembersNode, ...]:
    """The stateful nodes in the order in which Spark numbers and reports them: from the sink down."""
    nodes = {id(node): node for node in stateful}
    ordered = tuple(nodes[id(node)] for node in walk_down(root) if id(node) in nodes)
    for index, node in enumerate(ordered):
        node.index = index
    return ordered


def apply_rules(relation: Relation, twin: BatchTwin) -> Relation:
    """The expanded relation after every rule."""
    for rule in RULES:
        relation = rule(relation, twin.schema)
    return relation
