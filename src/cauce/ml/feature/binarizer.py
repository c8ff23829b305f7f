"""Binarizer: 1 above a threshold, else 0; of numbers or of every number of vectors."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import scipy.sparse as sp
from pyspark.ml.linalg import VectorUDT
from pyspark.sql.types import DoubleType, StructField, StructType

from cauce.errors import IllegalArgumentException
from cauce.ml.attributes import AttributeGroup, binary
from cauce.ml.columns import appended, check_new, column, doubles, field_of, java_name, sized, vectors_of
from cauce.ml.feature.many_columns import inputs_and_outputs
from cauce.ml.stage import Transformer
from cauce.ml.vectors import as_csr, as_dense, compressed_column

__all__ = ["Binarizer"]


class Binarizer(Transformer):
    """Nulls and NaN are not above any threshold."""

    def output_schema(self, schema: StructType) -> StructType:
        fields = list(schema.fields)
        for source, target, _ in self._columns():
            check_new(StructType(fields), target, required=False)
            fields.append(_output(field_of(schema, source), target))
        return StructType(fields)

    def transform(self, batch: pa.RecordBatch, schema: StructType) -> pa.RecordBatch:
        new = {}
        for source, target, threshold in self._columns():
            if isinstance(field_of(schema, source).dataType, VectorUDT):
                new[target] = _binary_vectors(vectors_of(batch, schema, source, "Binarizer"), threshold)
            else:
                above = doubles(column(batch, schema, source)) > threshold
                new[target] = pa.array(above.astype(np.float64))
        return appended(batch, new)

    def _columns(self) -> Sequence[tuple[str, str, float]]:
        names = [name for name in ("inputCols", "outputCols") if self.params.is_set(name)]
        counts = "".join(f", num{name[0].upper()}{name[1:]}={len(self.params[name])}" for name in names)
        pairs = inputs_and_outputs(self.params, shown=f"Binarizer: uid={self.params.uid}{counts}")
        many = self.params.is_set("inputCols") and self.params.is_set("thresholds")
        thresholds = self.params["thresholds"] if many else [self.params["threshold"]] * len(pairs)
        return [(*pair, threshold) for pair, threshold in zip(pairs, thresholds, strict=True)]


def _output(field: StructField, target: str) -> StructField:
    if isinstance(field.dataType, VectorUDT):
        return sized(StructField(target, VectorUDT()), AttributeGroup.of(field).size)
    if isinstance(field.dataType, DoubleType):
        return StructField(target, DoubleType(), False, binary().metadata())
    raise IllegalArgumentException(None, f"Data type {java_name(field.dataType)} is not supported.")


def _binary_vectors(cells: pa.StructArray, threshold: float) -> pa.StructArray:
    if threshold < 0:
        return compressed_column((as_dense(cells) > threshold).astype(np.float64))
    matrix = as_csr(cells)
    ones = (matrix.data > threshold).astype(np.float64)
    return compressed_column(sp.csr_array((ones, matrix.indices, matrix.indptr), shape=matrix.shape))
