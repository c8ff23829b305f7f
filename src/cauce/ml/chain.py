"""Consecutive stages as one function of batches: nothing leaves Python between two of them."""

from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa
from pyspark.sql.types import StructType

from cauce.ml.frames import empty_batch
from cauce.ml.stage import Transformer

__all__ = ["Chain"]


@dataclass(frozen=True)
class Chain:
    """Rows of `input_schema` through every stage in turn."""

    input_schema: StructType
    stages: tuple[Transformer, ...] = ()
    schemas: tuple[StructType, ...] = ()
    """The columns after each stage."""

    @property
    def output_schema(self) -> StructType:
        return self.schemas[-1] if self.schemas else self.input_schema

    def then(self, stage: Transformer) -> "Chain":
        """The chain with one more stage, or what Spark raises if the stage does not fit."""
        found = stage.output_schema(self.output_schema)
        return Chain(self.input_schema, (*self.stages, stage), (*self.schemas, found))

    def transform(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """The rows of one batch after the last stage."""
        if batch.num_rows == 0:
            return empty_batch(self.output_schema)
        schema = self.input_schema
        for stage, after in zip(self.stages, self.schemas, strict=True):
            batch = stage.transform(batch, schema)
            schema = after
        return batch

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            yield self.transform(batch)
