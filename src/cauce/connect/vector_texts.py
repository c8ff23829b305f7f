"""`show()` of vectors, as Spark prints them."""

from pyspark.sql.connect.proto import Expression, Relation, WithColumns
from pyspark.sql.types import DataType, StringType, UserDefinedType

from cauce.connect.preparation import Preparation
from cauce.formats.vector_arrays import vector_text
from cauce.plan.build import attribute
from cauce.plan.vector_functions import arrow_call

__all__ = ["show_string"]


VECTOR = "org.apache.spark.ml.linalg.VectorUDT"


def show_string(node: Relation, preparation: Preparation) -> None:
    """Vectors become texts before Sail makes a table of the rows."""
    schema = preparation.session.engine.schema(node.show_string.input)
    names = [field.name for field in schema if _is_vector(field.dataType)]
    if not names:
        return
    texts = [
        Expression.Alias(expr=arrow_call(vector_text, StringType(), attribute(name)), name=[name])
        for name in names
    ]
    below = Relation()
    below.CopyFrom(node.show_string.input)
    node.show_string.input.CopyFrom(Relation(with_columns=WithColumns(input=below, aliases=texts)))


def _is_vector(kind: DataType) -> bool:
    # By name: importing pyspark.ml costs every server's start.
    return isinstance(kind, UserDefinedType) and kind.scalaUDT() == VECTOR
