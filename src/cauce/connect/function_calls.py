"""Functions in a batch plan that the engine needs help with."""

import re
from collections.abc import Iterator

from pyspark.sql.connect.proto import (
    Command,
    CommonInlineUserDefinedFunction,
    Relation,
)

from cauce.connect.preparation import Preparation, replace
from cauce.errors import SparkError
from cauce.functions import SUPPLIED
from cauce.plan.arrow_functions import arrow_udf
from cauce.plan.avro_functions import rewrite_avro_node
from cauce.plan.expression_text import function_name
from cauce.plan.json_failfast import fail_fast_on_json_of
from cauce.plan.json_moments import read_json_moments_of
from cauce.plan.map_functions import MAP_FUNCTIONS, rewrite_map_functions_of
from cauce.plan.percentiles import PERCENTILES, rewrite_percentiles_of
from cauce.plan.sql import parse_query
from cauce.plan.vector_functions import rewrite_vector_functions_of
from cauce.plan.walk import walk, walk_expressions
from cauce.session import Session

__all__ = ["function_calls", "sql"]

WORD = re.compile(r"[A-Za-z_]\w*")
RULES = (
    rewrite_avro_node,
    rewrite_vector_functions_of,
    fail_fast_on_json_of,
    read_json_moments_of,
    rewrite_map_functions_of,
    rewrite_percentiles_of,
)
BY_RULE = MAP_FUNCTIONS.keys() | PERCENTILES
"""Functions that only a rule can replace."""


def function_calls(node: Relation, preparation: Preparation) -> None:
    """Rewrite the calls in this relation, and make known to the engine what it calls by name."""
    for name in _called(node):
        _supply(name, preparation.session)
    rewritten = node
    for rule in RULES:
        rewritten = rule(rewritten)
    if rewritten is not node:
        node.CopyFrom(rewritten)


def sql(node: Relation, preparation: Preparation) -> None:
    """A text; one with functions that only a rule can replace is read here, if cauce can read it."""
    words = {word.lower() for word in WORD.findall(node.sql.query)}
    for name in words & SUPPLIED.keys():
        _supply(name, preparation.session)
    if words.isdisjoint(BY_RULE):
        return
    try:
        parsed = parse_query(node.sql)
    except SparkError:
        return
    replace(node, parsed)
    for part in walk(node):
        function_calls(part, preparation)


def _called(node: Relation) -> Iterator[str]:
    for expression in walk_expressions(node):
        if expression.HasField("expression_string"):
            words = WORD.findall(expression.expression_string.expression)
            yield from SUPPLIED.keys() & {word.lower() for word in words}
        elif (name := function_name(expression)) in SUPPLIED:
            yield name


def _supply(name: str, session: Session) -> None:
    """Register the function in the engine, once, unless the program has one of that name."""
    if any(what == "register_function" and own.lower() == name for what, own in session.definitions):
        return
    function = CommonInlineUserDefinedFunction(
        function_name=name,
        deterministic=True,
        python_udf=arrow_udf(SUPPLIED[name].run, SUPPLIED[name].result),
    )
    session.engine.register_function(name, Command(register_function=function))
