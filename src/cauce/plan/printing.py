"""A relation as an indented tree, one node a line with its essential arguments: for `explain` and goldens."""

from collections.abc import Callable, Iterable, Mapping

from pyspark.sql.connect.proto.expressions_pb2 import Expression
from pyspark.sql.connect.proto.relations_pb2 import Aggregate, Deduplicate, Join, Read, Relation, SetOperation

from cauce.plan.expression_text import sql_text
from cauce.plan.walk import children, expressions, kind

__all__ = ["tree_text"]


def tree_text(relation: Relation) -> str:
    """The plan as text, children indented by two spaces below their parent; ends without a newline."""
    return "\n".join(_lines(relation, 0))


def _lines(relation: Relation, depth: int) -> Iterable[str]:
    yield "  " * depth + _node_text(relation)
    for child in children(relation):
        yield from _lines(child, depth + 1)


def _node_text(relation: Relation) -> str:
    name = kind(relation)
    body = getattr(relation, name) if name else relation
    arguments = ARGUMENTS[name](body) if name in ARGUMENTS else _plain_arguments(relation)
    return f"{type(body).__name__} {arguments}".rstrip()


def _plain_arguments(relation: Relation) -> str:
    """Any node without a printer of its own: its scalar fields, then its expressions."""
    body = getattr(relation, kind(relation)) if kind(relation) else relation
    scalars = [f"{field.name}={value}" for field, value in body.ListFields() if _is_scalar(value)]
    texts = [sql_text(expression) for expression in expressions(relation)]
    return " ".join([*scalars, *([f"[{', '.join(texts)}]"] if texts else [])])


def _is_scalar(value: object) -> bool:
    return isinstance(value, (str, int, float, bool))


def _list(expressions: Iterable[Expression]) -> str:
    return f"[{', '.join(sql_text(expression) for expression in expressions)}]"


def _options(options: Mapping[str, str]) -> str:
    return f" ({', '.join(f'{key}={options[key]}' for key in sorted(options))})" if options else ""


def _aliases(aliases: Iterable[Expression.Alias]) -> str:
    return f"[{', '.join(f'{sql_text(alias.expr)} AS {alias.name[0]}' for alias in aliases)}]"


def _orders(orders: Iterable[Expression.SortOrder]) -> str:
    return _list(Expression(sort_order=order) for order in orders)


def _read(read: Read) -> str:
    streaming = "streaming " if read.is_streaming else ""
    if read.HasField("named_table"):
        return f"{streaming}{read.named_table.unparsed_identifier}{_options(read.named_table.options)}"
    source = read.data_source
    schema = f" <{source.schema}>" if source.schema else ""
    paths = "".join(f" {path}" for path in source.paths)
    return f"{streaming}{source.format}{schema}{_options(source.options)}{paths}"


def _join(join: Join) -> str:
    join_type = Join.JoinType.Name(join.join_type).removeprefix("JOIN_TYPE_").lower()
    if join.using_columns:
        return f"{join_type} using [{', '.join(join.using_columns)}]"
    return f"{join_type} on {sql_text(join.join_condition)}" if join.HasField("join_condition") else join_type


def _set_operation(operation: SetOperation) -> str:
    name = SetOperation.SetOpType.Name(operation.set_op_type).removeprefix("SET_OP_TYPE_").lower()
    flags = {
        "all": operation.is_all,
        "by name": operation.by_name,
        "missing allowed": operation.allow_missing_columns,
    }
    return " ".join([name, *(flag for flag, is_set in flags.items() if is_set)])


def _aggregate(aggregate: Aggregate) -> str:
    group_type = Aggregate.GroupType.Name(aggregate.group_type).removeprefix("GROUP_TYPE_").lower()
    sets = [_list(grouping.grouping_set) for grouping in aggregate.grouping_sets]
    pivot = f" pivot {sql_text(aggregate.pivot.col)}" if aggregate.HasField("pivot") else ""
    keys, values = _list(aggregate.grouping_expressions), _list(aggregate.aggregate_expressions)
    return f"{group_type} {keys} {values}{' sets ' if sets else ''}{', '.join(sets)}{pivot}"


def _deduplicate(deduplicate: Deduplicate) -> str:
    keys = "all columns" if deduplicate.all_columns_as_keys else f"[{', '.join(deduplicate.column_names)}]"
    return f"{keys} within watermark" if deduplicate.within_watermark else keys


ARGUMENTS: dict[str, Callable[..., str]] = {
    "read": _read,
    "project": lambda body: _list(body.expressions),
    "filter": lambda body: sql_text(body.condition),
    "join": _join,
    "set_op": _set_operation,
    "sort": lambda body: _orders(body.order),
    "aggregate": _aggregate,
    "deduplicate": _deduplicate,
    "drop": lambda body: f"[{', '.join([*map(sql_text, body.columns), *body.column_names])}]",
    "limit": lambda body: str(body.limit),
    "offset": lambda body: str(body.offset),
    "subquery_alias": lambda body: body.alias,
    "to_df": lambda body: f"[{', '.join(body.column_names)}]",
    "with_columns": lambda body: _aliases(body.aliases),
    "with_watermark": lambda body: f"{body.event_time} delay {body.delay_threshold}",
    "cached_remote_relation": lambda body: body.relation_id,
    "local_relation": lambda body: f"{body.schema} {len(body.data)} bytes",
    "with_columns_renamed": lambda body: ", ".join(f"{r.col_name} -> {r.new_col_name}" for r in body.renames),
    "map_partitions": lambda body: body.func.function_name,
    "group_map": lambda body: f"{_list(body.grouping_expressions)} {body.func.function_name}",
    "range": lambda body: f"{body.start} to {body.end} by {body.step}",
}
