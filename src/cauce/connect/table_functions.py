"""`spark.tvf`: table functions as the SELECT lists they are."""

from importlib import resources

import pyarrow as pa
from pyspark.sql.connect.proto import Range, Relation, ToDF

from cauce.connect.preparation import Preparation, replace
from cauce.engine import local_relation
from cauce.plan.build import call, project

__all__ = ["unresolved_table_valued_function"]

ROW = "__cauce_row"
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
        # Its column must not be one that the arguments mean, as those of a lateral join do.
        one_row = Relation(to_df=ToDF(input=Relation(range=Range(end=1, step=1)), column_names=[ROW]))
        replace(node, project(one_row, [call(function.function_name, *function.arguments)]))
    elif function.function_name == "sql_keywords":
        replace(node, local_relation(_sql_keywords()))


def _sql_keywords() -> pa.Table:
    """Spark 4.2's; none is reserved unless spark.sql.ansi.enforceReservedKeywords is on."""
    words = resources.files("cauce.connect").joinpath("sql_keywords.txt").read_text().split()
    return pa.table({"keyword": words, "reserved": [False] * len(words)})
