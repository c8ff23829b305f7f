"""`_metadata` becomes a plain column of the leaf, and is gone where another column would be noticed."""

from pyspark.sql.connect.proto import (
    Drop,
    Expression,
    Filter,
    Project,
    Read,
    Relation,
    SetOperation,
)

from cauce.plan.file_metadata import read_file_metadata


def attribute(name):
    expression = Expression()
    expression.unresolved_attribute.unparsed_identifier = name
    return expression


def leaf(format="json", marked=False):
    read = Read(is_streaming=True, data_source=Read.DataSource(format=format, paths=["/in"]))
    if marked:
        read.data_source.options["__file_metadata"] = "true"
    relation = Relation(read=read)
    relation.common.plan_id = 1
    return relation


def alias(expression, name):
    return Expression(alias=Expression.Alias(expr=expression, name=[name]))


def drop(relation):
    return Relation(drop=Drop(input=relation, column_names=["__file_metadata"]))


def project(relation, *expressions):
    return Relation(project=Project(input=relation, expressions=expressions))


def test_a_plan_without_hidden_columns_is_left_alone():
    plan = project(leaf(), attribute("id"))
    assert read_file_metadata(plan) is plan


def test_selected_fields_keep_their_names():
    plan = project(leaf(), attribute("id"), attribute("_metadata"), attribute("_METADATA.file_name"))
    assert read_file_metadata(plan) == drop(
        project(
            leaf(marked=True),
            attribute("id"),
            alias(attribute("__file_metadata"), "_metadata"),
            alias(attribute("__file_metadata.file_name"), "file_name"),
        )
    )


def test_the_column_passes_filters_and_does_not_leak_out_of_them():
    plan = Relation(filter=Filter(input=leaf(), condition=attribute("_metadata.file_size")))
    kept = Relation(filter=Filter(input=leaf(marked=True), condition=attribute("__file_metadata.file_size")))
    assert read_file_metadata(plan) == drop(kept)


def test_a_union_sees_no_hidden_column():
    plan = Relation(
        set_op=SetOperation(left_input=leaf(), right_input=project(leaf(), attribute("_metadata")))
    )
    rewritten = read_file_metadata(plan).drop.input.set_op
    assert rewritten.left_input == drop(leaf(marked=True))
    assert rewritten.right_input == drop(
        project(leaf(marked=True), alias(attribute("__file_metadata"), "_metadata"))
    )


def test_input_file_name_is_made_of_the_path():
    call = Expression(unresolved_function=Expression.UnresolvedFunction(function_name="input_file_name"))
    [selected] = read_file_metadata(project(leaf(), call)).drop.input.project.expressions
    assert list(selected.alias.name) == ["input_file_name()"]
    arguments = selected.alias.expr.unresolved_function.arguments
    assert arguments[0] == attribute("__file_metadata.file_path")


def test_sources_that_are_no_files_have_no_files():
    plan = project(leaf("rate"), attribute("_metadata.file_name"))
    assert read_file_metadata(plan).drop.input.project.input == leaf("rate")
