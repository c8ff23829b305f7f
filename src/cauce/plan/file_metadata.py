"""The hidden column `_metadata` of file streams, and `input_file_name()`, made plain columns.

A file leaf of a plan that asks for them is told to add a column of its own name; references are
renamed to it, and it is dropped before whatever would notice another column, at the latest at the end.
"""

from collections.abc import Container

from pyspark.sql.connect.proto import Drop, Expression, Relation

from cauce.plan.walk import (
    children,
    kind,
    replace_children,
    transform_expressions,
    walk,
    walk_expressions,
)

__all__ = ["METADATA_COLUMN", "METADATA_OPTION", "read_file_metadata"]

METADATA_COLUMN = "__file_metadata"
METADATA_OPTION = "__file_metadata"
METADATA_NAME = "_metadata"
FILE_FORMATS = frozenset({"csv", "json", "orc", "parquet", "text"})
PASSES_ON = frozenset(
    {
        "read",
        "filter",
        "project",
        "with_columns",
        "with_columns_renamed",
        "drop",
        "subquery_alias",
        "with_watermark",
    }
)
"""Relations in which one more column makes no difference."""


def read_file_metadata(relation: Relation) -> Relation:
    """The same plan without hidden columns; the relation itself if it uses none."""
    if not any(_asks(expression) for node in walk(relation) for expression in walk_expressions(node)):
        return relation
    return _drop(_rewrite(relation))


def _asks(expression: Expression) -> bool:
    if expression.WhichOneof("expr_type") == "unresolved_function":
        return expression.unresolved_function.function_name.lower() == "input_file_name"
    name = expression.unresolved_attribute.unparsed_identifier.replace("`", "").lower()
    return name == METADATA_NAME or name.startswith(f"{METADATA_NAME}.")


def _rewrite(relation: Relation) -> Relation:
    if kind(relation) == "read":
        return _marked(relation) if relation.read.is_streaming else relation
    parts = [_rewrite(child) for child in children(relation)]
    if kind(relation) not in PASSES_ON:
        parts = [_drop(part) if _is_marked(part) else part for part in parts]
    rewritten = transform_expressions(replace_children(relation, parts), _renamed)
    return _with_names(relation, rewritten) if kind(relation) == "project" else rewritten


def _marked(leaf: Relation) -> Relation:
    copy = Relation()
    copy.CopyFrom(leaf)
    if copy.read.HasField("named_table"):
        copy.read.named_table.options[METADATA_OPTION] = "true"
    elif copy.read.data_source.format.lower() in FILE_FORMATS:
        copy.read.data_source.options[METADATA_OPTION] = "true"
    return copy


def _is_marked(relation: Relation) -> bool:
    return any(METADATA_OPTION in _options(node) for node in walk(relation) if kind(node) == "read")


def _options(leaf: Relation) -> Container[str]:
    read = leaf.read
    return read.named_table.options if read.HasField("named_table") else read.data_source.options


def _renamed(expression: Expression) -> Expression:
    if not _asks(expression):
        return expression
    if expression.WhichOneof("expr_type") == "unresolved_function":
        return _input_file_name()
    copy = Expression()
    copy.CopyFrom(expression)
    _, _, rest = expression.unresolved_attribute.unparsed_identifier.replace("`", "").partition(".")
    copy.unresolved_attribute.unparsed_identifier = f"{METADATA_COLUMN}.{rest}" if rest else METADATA_COLUMN
    return copy


def _input_file_name() -> Expression:
    """`file:///in/a.json`, where `_metadata.file_path` says `file:/in/a.json`."""
    path = Expression()
    path.unresolved_attribute.unparsed_identifier = f"{METADATA_COLUMN}.file_path"
    prefix, replacement = Expression(), Expression()
    prefix.literal.string, replacement.literal.string = "^file:/", "file:///"
    call = Expression.UnresolvedFunction(
        function_name="regexp_replace", arguments=[path, prefix, replacement]
    )
    return Expression(unresolved_function=call)


def _with_names(original: Relation, rewritten: Relation) -> Relation:
    """A column that was selected by its bare name keeps that name."""
    for before, after in zip(original.project.expressions, rewritten.project.expressions, strict=True):
        if _asks(before):
            name = _selected_name(before)
            alias = Expression(alias=Expression.Alias(expr=after, name=[name]))
            after.CopyFrom(alias)
    return rewritten


def _selected_name(expression: Expression) -> str:
    if expression.WhichOneof("expr_type") == "unresolved_function":
        return "input_file_name()"
    return expression.unresolved_attribute.unparsed_identifier.replace("`", "").rpartition(".")[2]


def _drop(relation: Relation) -> Relation:
    return Relation(drop=Drop(input=relation, column_names=[METADATA_COLUMN]))
