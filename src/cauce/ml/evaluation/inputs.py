"""How evaluators read their columns, and what they refuse."""

from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
from pyspark.sql.types import ArrayType, DataType, NumericType, StructType

from cauce.errors import SparkError
from cauce.ml.columns import doubles, field_of, java_name, require
from cauce.ml.params import Params
from cauce.ml.stage import Dataset

__all__ = ["check_arrays", "check_numeric", "check_one_of", "lists", "pieces", "weight_name"]


def check_numeric(schema: StructType, name: str) -> None:
    """Refuse a column that holds no numbers."""
    kind = field_of(schema, name).dataType
    require(
        isinstance(kind, NumericType),
        f"Column {name} must be of type numeric but was actually of type {kind.simpleString()}.",
    )


def check_one_of(schema: StructType, name: str, *kinds: DataType) -> None:
    """Refuse a column of a type that is none of these."""
    found = field_of(schema, name).dataType
    allowed = ", ".join(_scala_name(kind) for kind in kinds)
    require(
        any(isinstance(found, type(kind)) for kind in kinds),
        f"Column {name} must be of type equal to one of the following types: [{allowed}] but was actually of "
        f"type {found.simpleString()}.",
    )


def check_arrays(schema: StructType, name: str) -> None:
    """Refuse a column that does not hold lists of doubles."""
    found = field_of(schema, name).dataType
    require(
        isinstance(found, ArrayType) and java_name(found.elementType) == "DoubleType",
        f"Column {name} must be of type array<double> but was actually of type {found.simpleString()}.",
    )


def weight_name(params: Params, schema: StructType) -> str | None:
    """The weight column, if one is set; refused unless it holds numbers."""
    name = params.get("weightCol")
    if not name:
        return None
    check_numeric(schema, name)
    return name


def pieces(
    dataset: Dataset, names: Sequence[str], weight: str | None = None
) -> Iterator[tuple[list[pa.Array], np.ndarray]]:
    """The columns and weights of every batch that has rows."""
    asked = [*names, *([weight] if weight and weight not in names else [])]
    found = False
    for batch in dataset.batches(asked):
        if batch.num_rows:
            found = True
            weights = doubles(batch.column(asked.index(weight))) if weight else np.ones(batch.num_rows)
            yield [batch.column(place) for place in range(len(names))], weights
    if not found:
        raise SparkError(None, "Nothing has been added to this summarizer.")


def lists(column: pa.Array) -> list[list[float]]:
    """Every row's list; nulls are empty."""
    return [[] if row is None else row for row in column.to_pylist()]


def _scala_name(kind: DataType) -> str:
    return kind.simpleString()
