"""The text of a streaming plan, for `query.explain()`."""

from cauce.streaming.planner.nodes import Node

__all__ = ["describe_tree"]


def describe_tree(node: Node, *, extended: bool, depth: int = 0) -> str:
    """The plan as indented text, parents first; `extended` adds every node's columns."""
    lines = [node.describe()]
    if extended:
        lines.append(f"  output: {node.schema.simpleString()}")
    text = "\n".join("  " * depth + line for part in lines for line in part.splitlines())
    return "\n".join([text, *(describe_tree(c, extended=extended, depth=depth + 1) for c in node.children)])
