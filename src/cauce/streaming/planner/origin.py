"""From a row that a fragment of the plan got to the row of a source that it was made of.

Nothing is carried along with the rows of a healthy batch for this: the way back is found by computing parts
of the batch again, half of the rows at a time, until one row is left that makes the row in question.
"""

from collections.abc import Callable

from cauce.errors import SparkError
from cauce.streaming.planner.nodes import FragmentNode, Node, SelectNode, SourceNode, WatermarkNode
from cauce.streaming.planner.observe_node import ObserveNode
from cauce.streaming.planner.pieces import Pieces

__all__ = ["source_row"]

Inputs = Callable[[FragmentNode], Pieces]
"""What a fragment got in this batch."""


def source_row(pieces: Pieces, position: int, inputs: Inputs) -> tuple[int, int | None] | None:
    """The source's number and the row's position among its rows of the batch.

    The position is None if the engine read the rows in an order of its own. None at all for a row that is not
    made of one source row, as an operator's result, or cannot be found again.
    """
    node, row = pieces.given_by(position)
    if isinstance(node, SourceNode):
        return node.index, row
    if row is None:
        return None
    below = _fragment_below(node)
    if isinstance(below, SourceNode):
        return below.index, row
    return None if below is None else _through(below, row, inputs)


def _fragment_below(node: Node) -> SourceNode | FragmentNode | None:
    """The node whose rows are these, one for one."""
    while isinstance(node, WatermarkNode | ObserveNode | SelectNode):
        node = node.child
    return node if isinstance(node, SourceNode | FragmentNode) else None


def _through(node: FragmentNode, row: int, inputs: Inputs) -> tuple[int, int | None] | None:
    """Through a fragment, whose row number `row` is made of one of its input rows."""
    pieces = inputs(node)
    start, end = 0, pieces.row_count
    try:
        while end - start > 1:
            middle = (start + end) // 2
            made = pieces.run(start, middle).num_rows
            if row < made:
                end = middle
            else:
                start, row = middle, row - made
        if end == start or row >= pieces.run(start, end).num_rows:
            return None
    except SparkError:
        return None
    return source_row(pieces, start, inputs)
