"""ElementwiseProduct and DCT: vectors times weights, and as sums of cosines."""

from typing import cast

import numpy as np
import pyarrow as pa
from pyspark.sql.types import StructType

from cauce.ml.attributes import AttributeGroup
from cauce.ml.columns import (
    VECTOR_TYPE_NAME,
    appended,
    failed_function,
    field_of,
    sized,
    unary_output,
    vectors_of,
)
from cauce.ml.stage import Transformer
from cauce.ml.vectors import as_dense, dense_column, sizes, stored, with_values

__all__ = ["DCT", "ElementwiseProduct"]


class ElementwiseProduct(Transformer):
    """Stored numbers stay stored, also where the weight is 0."""

    def output_schema(self, schema: StructType) -> StructType:
        output = unary_output(schema, self.params["inputCol"], self.params["outputCol"])
        return StructType([*schema.fields, sized(output, len(self.params["scalingVec"]))])

    def transform(self, batch: pa.RecordBatch, schema: StructType) -> pa.RecordBatch:
        cells = vectors_of(batch, schema, self.params["inputCol"], "ElementwiseProduct")
        weights = np.asarray(self.params["scalingVec"].toArray())
        wrong = sizes(cells)[sizes(cells) != len(weights)]
        if len(wrong):
            sizes_differ = f"vector sizes do not match: Expected {len(weights)} but found {wrong[0]}"
            reason = f"java.lang.IllegalArgumentException: requirement failed: {sizes_differ}"
            raise failed_function("ElementwiseProduct", reason, of=VECTOR_TYPE_NAME, to=VECTOR_TYPE_NAME)
        entries = stored(cells)
        product = with_values(cells, entries.values * weights[entries.places])
        return appended(batch, {self.params["outputCol"]: product})


class DCT(Transformer):
    """The scaled DCT-II, or its inverse."""

    def output_schema(self, schema: StructType) -> StructType:
        output = unary_output(schema, self.params["inputCol"], self.params["outputCol"])
        size = AttributeGroup.of(field_of(schema, self.params["inputCol"])).size
        return StructType([*schema.fields, sized(output, size)])

    def transform(self, batch: pa.RecordBatch, schema: StructType) -> pa.RecordBatch:
        from scipy.fft import dct, idct

        cells = vectors_of(batch, schema, self.params["inputCol"], "DCT")
        rows = as_dense(cells)
        change = idct if self.params["inverse"] else dct
        if not len(cells):
            return appended(batch, {self.params["outputCol"]: cells})
        changed = cast("np.ndarray", change(rows, norm="ortho"))  # As declared, what scipy dispatches on.
        return appended(batch, {self.params["outputCol"]: dense_column(changed)})
