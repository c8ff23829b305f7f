"""FeatureHasher: any columns as one vector, each value at the place its name and value hash to."""

import numpy as np
import pyarrow as pa
import scipy.sparse as sp
from pyspark.ml.linalg import VectorUDT
from pyspark.sql.types import BooleanType, NumericType, StringType, StructField, StructType

from cauce.ml.attributes import AttributeGroup
from cauce.ml.columns import appended, as_text, check_new, column, doubles, field_of, require
from cauce.ml.murmur3 import hash_strings, non_negative_mod
from cauce.ml.stage import Transformer
from cauce.ml.vectors import sparse_column

__all__ = ["FeatureHasher"]


class FeatureHasher(Transformer):
    """Numbers are at the place of their name; words, truths and categories are a 1 at `name=value`."""

    valid = {"numFeatures": lambda count: count > 0}

    def output_schema(self, schema: StructType) -> StructType:
        for name in self.params["inputCols"]:
            kind = field_of(schema, name).dataType
            require(
                isinstance(kind, NumericType | StringType | BooleanType),
                f"FeatureHasher requires columns to be of numeric, boolean or string. Column {name} was "
                f"{kind.simpleString()}",
            )
        check_new(schema, self.params["outputCol"])
        metadata = AttributeGroup(count=self.params["numFeatures"]).metadata()
        return StructType(
            [*schema.fields, StructField(self.params["outputCol"], VectorUDT(), True, metadata)]
        )

    def transform(self, batch: pa.RecordBatch, schema: StructType) -> pa.RecordBatch:
        parts = [
            self._entries(column(batch, schema, name), field_of(schema, name))
            for name in self.params["inputCols"]
        ]
        rows, places, values = (np.concatenate(part) for part in zip(*parts, strict=True))
        shape = (batch.num_rows, self.params["numFeatures"])
        vectors = sp.csr_array(sp.coo_array((values, (rows, places)), shape=shape))
        return appended(batch, {self.params["outputCol"]: sparse_column(vectors)})

    def _entries(self, cells: pa.Array, field: StructField) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(rows, places, values) of one column; a missing value has none."""
        rows = np.flatnonzero(cells.is_valid().to_numpy(zero_copy_only=False))
        cells = cells.drop_null()
        size = self.params["numFeatures"]
        categories = self.params.get("categoricalCols") or []
        if isinstance(field.dataType, NumericType) and field.name not in categories:
            place = non_negative_mod(hash_strings(pa.array([field.name])), size)[0]
            return rows, np.full(len(rows), place), doubles(cells)
        codes = cells.dictionary_encode()
        texts = as_text(codes.dictionary, field.dataType).to_pylist()
        hashed = hash_strings(pa.array([f"{field.name}={text}" for text in texts], pa.string()))
        places = non_negative_mod(hashed, size)[codes.indices.to_numpy(zero_copy_only=False)]
        return rows, places, np.ones(len(rows))
