"""`df.unpivot(...)` and `df.melt(...)`: rewritten, because the engine fails on some."""

from pyspark.sql.connect.proto import Relation

from cauce.connect.preparation import Preparation, replace
from cauce.plan.unpivot import unpivoted

__all__ = ["unpivot"]


def unpivot(node: Relation, preparation: Preparation) -> None:
    replace(node, unpivoted(node, preparation.session.engine.schema))
