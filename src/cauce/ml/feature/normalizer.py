"""Normalizer: vectors of length 1 in the p-norm."""

import numpy as np
import pyarrow as pa
from pyspark.sql.types import StructType

from cauce.ml.attributes import AttributeGroup
from cauce.ml.columns import appended, field_of, sized, unary_output, vectors_of
from cauce.ml.stage import Transformer
from cauce.ml.vectors import stored, with_values

__all__ = ["Normalizer"]


class Normalizer(Transformer):
    """A vector of zeros stays as it is."""

    def output_schema(self, schema: StructType) -> StructType:
        source, target = self.params["inputCol"], self.params["outputCol"]
        output = unary_output(schema, source, target)
        return StructType([*schema.fields, sized(output, AttributeGroup.of(field_of(schema, source)).size)])

    def transform(self, batch: pa.RecordBatch, schema: StructType) -> pa.RecordBatch:
        cells = vectors_of(batch, schema, self.params["inputCol"], "Normalizer")
        entries = stored(cells)
        norms = _norms(np.abs(entries.values), entries.rows, batch.num_rows, self.params["p"])
        norms[norms == 0.0] = 1.0
        with np.errstate(invalid="ignore"):
            scaled = entries.values / norms[entries.rows]
        return appended(batch, {self.params["outputCol"]: with_values(cells, scaled)})


def _norms(sizes: np.ndarray, rows: np.ndarray, count: int, p: float) -> np.ndarray:
    if p == np.inf:
        # Java's `>` passes NaN by.
        largest = np.zeros(count)
        np.fmax.at(largest, rows, sizes)
        return largest
    powers = {1.0: lambda: sizes, 2.0: lambda: sizes * sizes}.get(p, lambda: sizes**p)()
    sums = np.bincount(rows, weights=powers, minlength=count)
    return sums if p == 1.0 else np.sqrt(sums) if p == 2.0 else sums ** (1.0 / p)
