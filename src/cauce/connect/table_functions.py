"""`spark.tvf`: table functions as the SELECT lists they are."""

from pyspark.sql.connect.proto import Range, Relation

from cauce.connect.preparation import Preparation, replace
from cauce.plan.build import call, project

__all__ = ["unresolved_table_valued_function"]

GENERATORS = frozenset(
    {
        "explode",
        "explode_outer",
        "inline",
        "inline_outer",
        "json_tuple",
        "posexplode",
        "posexplode_outer",
        "stack",
        "variant_explode",
        "variant_explode_outer",
    }
)


def unresolved_table_valued_function(node: Relation, preparation: Preparation) -> None:
    """A generator over nothing is the generator selected from one row; Sail says what it lacks."""
    function = node.unresolved_table_valued_function
    if function.function_name in GENERATORS:
        one_row = Relation(range=Range(end=1, step=1))
        replace(node, project(one_row, [call(function.function_name, *function.arguments)]))
