"""What a stage of a pipeline can do: transform rows, be fitted to rows, judge rows.

Stage
|-- Transformer          output_schema(schema), transform(batch)
|   `-- Model            what an estimator learned; attributes, and the rows it is saved as
|-- Estimator            fit(dataset) -> Model
`-- Evaluator            evaluate(dataset) -> float
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, Self, TypeVar

import pyarrow as pa
from pyspark.sql.types import StructType

from cauce.errors import IllegalArgumentException
from cauce.ml.params import Params

__all__ = [
    "Dataset",
    "Estimator",
    "Evaluator",
    "Model",
    "Stage",
    "Transformed",
    "Transformer",
    "attribute",
    "has_attributes",
]

F = TypeVar("F", bound=Callable[..., Any])


class Dataset(Protocol):
    """The rows a stage is fitted to or judged by; every call reads them again, unless noted."""

    @property
    def schema(self) -> StructType:
        """Spark's schema: vectors are VectorUDT, columns carry their ML attributes in `metadata`."""
        ...

    def batches(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """The rows in bounded pieces, these columns only, in this order."""
        ...

    def table(self, columns: Sequence[str]) -> pa.Table:
        """All rows at once, these columns only, in this order."""
        ...


class Stage(ABC):  # noqa: B024 - what its kinds share; they are the abstract ones
    """Anything with parameters."""

    valid: ClassVar[Mapping[str, Callable[[Any], bool]]] = {}
    """Which values Spark takes for a parameter, where not every one."""

    def __init__(self, params: Params) -> None:
        self.params = params
        for name, is_valid in self.valid.items():
            if params.is_set(name) and not is_valid(params[name]):
                shown = _scala_text(params[name])
                message = f"{params.uid} parameter {name} given invalid value {shown}."
                raise IllegalArgumentException(None, message)

    def __str__(self) -> str:
        """What `repr(model)` shows."""
        return self.params.uid


class Transformer(Stage):
    """A function of rows: it appends columns, and may leave rows out."""

    @abstractmethod
    def output_schema(self, schema: StructType) -> StructType:
        """The input's fields, then the appended ones with their metadata.

        Raises what Spark's transformSchema raises for missing columns and wrong types.
        """

    @abstractmethod
    def transform(self, batch: pa.RecordBatch, schema: StructType) -> pa.RecordBatch:
        """The rows of `batch`, which has the columns of `schema`, as output_schema(schema) describes them."""

    def looks_at_rows(self, schema: StructType) -> bool:
        """Whether rows of this schema must be seen before the output can be described.

        A VectorAssembler, say, takes sizes that no metadata tells from the first row.
        """
        return False

    def having_seen(self, dataset: Dataset) -> "Transformer":
        """The transformer to use instead, if it looks at rows, once it has."""
        return self


class Model(Transformer):
    """A fitted transformer. Methods marked `@attribute` can be asked for by the client, by Spark's names."""

    class_name: ClassVar[str]
    """Spark's name of the model class: org.apache.spark.ml.classification.LogisticRegressionModel."""
    summary: "Any | None" = None
    """The training summary (a Summary of its family), if the estimator made one."""

    @abstractmethod
    def data(self) -> pa.Table:
        """The rows Spark saves in the model's `data` folder, in its schema."""

    @classmethod
    @abstractmethod
    def from_data(cls, params: Params, metadata: dict[str, Any], data: pa.Table) -> Self:
        """The model saved as these rows; `metadata` is the JSON of its `metadata` folder."""

    def tables(self) -> dict[str, pa.Table]:
        """Every folder Spark saves rows of the model in, by its path below the model's: {"data": ...}."""
        return {"data": self.data()}

    @classmethod
    def from_tables(cls, params: Params, metadata: dict[str, Any], tables: dict[str, pa.Table]) -> Self:
        """The model saved as these folders; what `from_data` is for the usual single one."""
        return cls.from_data(params, metadata, tables["data"])

    def extra_metadata(self) -> dict[str, Any]:
        """What Spark adds to the model's metadata JSON (numFeatures, numClasses, ...)."""
        return {}

    @property
    def size_bytes(self) -> int:
        """Memory the model holds, about."""
        return self.data().nbytes


@dataclass(frozen=True)
class Transformed:
    """What an attribute returns for the DataFrame of `dataset` after `model`: computed when it is read."""

    model: Transformer
    dataset: Dataset


class Estimator(Stage):
    """Learns a model from rows."""

    @abstractmethod
    def output_schema(self, schema: StructType) -> StructType:
        """As Transformer.output_schema, for the model to come; checked before any row is read."""

    @abstractmethod
    def fit(self, dataset: Dataset) -> Model:
        """The model, with `params` of this estimator."""


class Evaluator(Stage):
    """Judges rows that hold predictions and labels."""

    @abstractmethod
    def evaluate(self, dataset: Dataset) -> float: ...


def attribute(method: F) -> F:
    """Mark a method as one the client may call by name (Spark's allow-list of attributes).

    It returns a Python scalar, a list, a Vector or Matrix, a pa.Table or a Transformed (for the client a
    DataFrame), another object with attributes (a summary), a model, or a list of models. A DataFrame among
    its arguments comes as a Dataset.
    """
    method.__dict__["is_attribute"] = True
    return method


def _scala_text(value: Any) -> str:
    """A parameter as Spark prints it in messages."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple):
        return f"[{','.join(map(_scala_text, value))}]"
    return str(value)


def has_attributes(value: object) -> bool:
    """Whether the client may ask something of this object, so that it is kept under an id."""
    members = (member for owner in type(value).__mro__ for member in vars(owner).values())
    return any(getattr(member, "is_attribute", False) for member in members)
