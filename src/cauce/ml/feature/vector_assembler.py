"""VectorAssembler: numbers, truths and vectors of a row as one vector."""

from collections.abc import Sequence
from typing import Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import scipy.sparse as sp
from pyspark.ml.linalg import VectorUDT
from pyspark.sql.types import BooleanType, DoubleType, NumericType, StructField, StructType

from cauce.errors import (
    IllegalArgumentException,
    NoSuchElementException,
    NullPointerException,
    RuntimeException,
)
from cauce.ml.attributes import Attribute, AttributeGroup, numeric
from cauce.ml.columns import VECTOR_TYPE_NAME, appended, check_new, column, doubles, failed_function, field_of
from cauce.ml.params import Params
from cauce.ml.stage import Dataset, Transformer
from cauce.ml.vectors import as_csr, as_dense, compressed_column, dense_rows, sizes

__all__ = ["VectorAssembler"]

REMOVE = (
    "org.apache.spark.SparkException: Encountered {} while assembling a row with handleInvalid = "
    '"error". Consider\nremoving {}s from dataset or using handleInvalid = "keep" or "skip".'
)


class VectorAssembler(Transformer):
    """Each row takes the kind, dense or sparse, that needs less memory."""

    def __init__(self, params: Params, seen: dict[str, int] | None = None) -> None:
        super().__init__(params)
        self.seen = seen or {}
        """Sizes of vectors that metadata does not tell, found in rows."""

    def output_schema(self, schema: StructType) -> StructType:
        fields = [field_of(schema, name) for name in self.params["inputCols"]]
        wrong = [
            field for field in fields if not isinstance(field.dataType, NumericType | BooleanType | VectorUDT)
        ]
        if wrong:
            lines = (
                f"Data type {field.dataType.simpleString()} of column {field.name} is not supported."
                for field in wrong
            )
            raise IllegalArgumentException(None, "\n".join(lines))
        check_new(schema, self.params["outputCol"], required=False)
        group = AttributeGroup.all([attribute for field in fields for attribute in self._attributes(field)])
        output = StructField(self.params["outputCol"], VectorUDT(), True, group.metadata())
        return StructType([*schema.fields, output])

    def looks_at_rows(self, schema: StructType) -> bool:
        return bool(self._unsized(schema))

    def having_seen(self, dataset: Dataset) -> Self:
        unsized = self._unsized(dataset.schema)
        hint = f"Consider using VectorSizeHint to add metadata for columns: [{', '.join(unsized)}]."
        handle = self.params["handleInvalid"]
        if handle == "keep":
            message = 'Can not infer column lengths with handleInvalid = "keep". '
            raise RuntimeException(None, message + hint)
        row = _first_row(dataset, unsized, skipping_nulls=handle == "skip")
        if row is None:
            message = "Encountered empty dataframe while inferring lengths from the first row. "
            reason = "java.util.NoSuchElementException: head of empty array"
            raise NoSuchElementException(None, f"{message}{hint} {reason}")
        if any(cell.null_count for cell in row.columns):
            message = "Encountered null value while inferring lengths from the first row. "
            raise NullPointerException(None, message + hint)
        found = {name: int(sizes(cell)[0]) for name, cell in zip(unsized, row.columns, strict=True)}
        return type(self)(self.params, found)

    def transform(self, batch: pa.RecordBatch, schema: StructType) -> pa.RecordBatch:
        names: Sequence[str] = self.params["inputCols"]
        batch = self._without_invalid(batch, [column(batch, schema, name) for name in names])
        blocks = [self._block(column(batch, schema, name), field_of(schema, name)) for name in names]
        return appended(batch, {self.params["outputCol"]: _joined(blocks, batch.num_rows)})

    def _unsized(self, schema: StructType) -> list[str]:
        fields = [field_of(schema, name) for name in self.params["inputCols"]]
        vectors = [field for field in fields if isinstance(field.dataType, VectorUDT)]
        return [
            field.name
            for field in vectors
            if AttributeGroup.of(field).size < 0 and field.name not in self.seen
        ]

    def _size(self, field: StructField) -> int:
        known = AttributeGroup.of(field).size
        return known if known >= 0 else self.seen[field.name]

    def _attributes(self, field: StructField) -> list[Attribute]:
        if isinstance(field.dataType, VectorUDT):
            known = AttributeGroup.of(field).attributes or [numeric()] * self._size(field)
            return [one.named(f"{field.name}_{one.name or index}") for index, one in enumerate(known)]
        known = Attribute.of(field) if isinstance(field.dataType, DoubleType) else Attribute()
        return [numeric(field.name) if known.kind is None else known.named(field.name)]

    def _without_invalid(self, batch: pa.RecordBatch, columns: list[pa.Array]) -> pa.RecordBatch:
        """The rows that are assembled: those with a null or NaN left out, or an error for them."""
        invalid = np.zeros(batch.num_rows, dtype=bool)
        for cells in columns:
            nan = np.zeros(len(cells), dtype=bool)
            if pa.types.is_floating(cells.type):
                nan = pc.fill_null(pc.is_nan(cells), False).to_numpy(zero_copy_only=False)
            null = cells.is_null().to_numpy(zero_copy_only=False)
            invalid |= nan | null
            if self.params["handleInvalid"] == "error" and (nan | null).any():
                what = "null" if null[np.argmax(nan | null)] else "NaN"
                raise failed_function("VectorAssembler", REMOVE.format(what, what), to=VECTOR_TYPE_NAME)
        if self.params["handleInvalid"] != "skip" or not invalid.any():
            return batch
        return batch.filter(pa.array(~invalid))

    def _block(self, cells: pa.Array, field: StructField) -> np.ndarray | sp.csr_array:
        if not isinstance(field.dataType, VectorUDT):
            return doubles(cells).reshape(-1, 1)
        if not cells.null_count:
            return as_dense(cells) if bool(dense_rows(cells).all()) and len(cells) else as_csr(cells)
        block = np.full((len(cells), self._size(field)), np.nan)
        valid = cells.is_valid().to_numpy(zero_copy_only=False)
        block[valid] = as_dense(cells.filter(pa.array(valid)))
        return block


def _joined(blocks: Sequence[np.ndarray | sp.csr_array], rows: int) -> pa.StructArray:
    if not blocks:
        return compressed_column(sp.csr_array((rows, 0)))
    dense = [block for block in blocks if isinstance(block, np.ndarray)]
    if len(dense) < len(blocks):
        return compressed_column(sp.csr_array(sp.hstack(blocks, format="csr")))
    return compressed_column(np.hstack(dense))


def _first_row(dataset: Dataset, names: list[str], *, skipping_nulls: bool) -> pa.RecordBatch | None:
    for batch in dataset.batches(names):
        if skipping_nulls:
            valid = [cells.is_valid().to_numpy(zero_copy_only=False) for cells in batch.columns]
            batch = batch.filter(pa.array(np.logical_and.reduce(valid)))
        if batch.num_rows:
            return batch.slice(0, 1)
    return None
