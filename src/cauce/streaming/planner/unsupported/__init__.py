"""What Spark refuses to stream, as tables of rules in the order of Spark's UnsupportedOperationChecker.

Imported by the planner, which judges a query at start(), and by connect, which judges plans that are to run
once; imports plan, conf and errors. The wording is Spark 4.2's: tests/planner/goldens holds what Spark itself
said to the same programs. Where Spark says it only when it plans the first batch, it is said at start() here.
"""

from cauce.streaming.planner.unsupported.query import Node, Query
from cauce.streaming.planner.unsupported.rules import (
    check_batch,
    check_streaming,
    refusals,
    refuse_batch_write,
)

__all__ = ["Node", "Query", "check_batch", "check_streaming", "refusals", "refuse_batch_write"]
