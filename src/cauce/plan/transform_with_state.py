"""transformWithState as the client sends it: a GroupMap with a processor."""

from pyspark.sql.connect.proto import Relation

from cauce.plan.walk import kind

__all__ = ["is_transform_with_state"]


def is_transform_with_state(relation: Relation) -> bool:
    """Whether this one relation is a transformWithState, over rows or in pandas."""
    return kind(relation) == "group_map" and relation.group_map.HasField("transform_with_state_info")
