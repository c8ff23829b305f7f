"""VectorSlicer: some features of vectors. VectorSizeHint: what size the vectors of a column have."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from pyspark.ml.linalg import VectorUDT
from pyspark.sql.types import StructField, StructType

from cauce.errors import IllegalArgumentException, NoSuchElementException, SparkRuntimeException
from cauce.ml.attributes import AttributeGroup
from cauce.ml.columns import (
    VECTOR_TYPE_NAME,
    appended,
    check_new,
    check_vector,
    column,
    failed_function,
    field_of,
    java_name,
    require,
    vectors_of,
    with_fields,
)
from cauce.ml.stage import Transformer
from cauce.ml.vectors import as_csr, dense_rows, mixed_column, sizes

__all__ = ["VectorSizeHint", "VectorSlicer", "selected_columns"]


class VectorSlicer(Transformer):
    """First the features of `indices`, then those of `names`, in the order given."""

    valid = {
        "indices": lambda indices: not indices or (min(indices) >= 0 and len(set(indices)) == len(indices)),
        "names": lambda names: all(names) and len(set(names)) == len(names),
    }

    def output_schema(self, schema: StructType) -> StructType:
        given, named = self.params.get("indices") or [], self.params.get("names") or []
        require(given or named, "VectorSlicer requires that at least one feature be selected.")
        source, target = self.params["inputCol"], self.params["outputCol"]
        group = AttributeGroup.of(check_vector(schema, source))
        check_new(schema, target)
        places = self._places(schema)
        chosen = AttributeGroup(count=len(places))
        if group.attributes is not None:
            chosen = AttributeGroup.all([group.attributes[place] for place in places])
        return StructType([*schema.fields, StructField(target, VectorUDT(), True, chosen.metadata())])

    def transform(self, batch: pa.RecordBatch, schema: StructType) -> pa.RecordBatch:
        cells = vectors_of(batch, schema, self.params["inputCol"], "VectorSlicer")
        places = self._places(schema)
        size = int(sizes(cells).min()) if len(cells) else max(places) + 1
        if max(places) >= size:
            bounds = f"Index {max(places)} out of bounds for length {size}"
            reason = f"java.lang.ArrayIndexOutOfBoundsException: {bounds}"
            raise failed_function("VectorSlicer", reason, of=VECTOR_TYPE_NAME, to=VECTOR_TYPE_NAME)
        return appended(batch, {self.params["outputCol"]: selected_columns(cells, places)})

    def _places(self, schema: StructType) -> list[int]:
        given, named = self.params.get("indices") or [], self.params.get("names") or []
        field = field_of(schema, self.params["inputCol"])
        known = [attribute.name for attribute in AttributeGroup.of(field).attributes or ()]
        for name in named:
            shown = f"StructField({field.name},{java_name(field.dataType)},{str(field.nullable).lower()})"
            message = f"getFeatureIndicesFromNames found no feature with name {name} in column {shown}."
            require(name in known, message)
        found = [known.index(name) for name in named]
        twice = sorted(set(given) & set(found))
        pairs = ",".join(f"{place}:{name}" for place, name in zip(found, named, strict=True))
        require(
            not twice,
            "VectorSlicer requires indices and names to be disjoint sets of features, but they overlap. "
            f"indices: [{','.join(map(str, given))}]. names: [{pairs}]",
        )
        return [*given, *found]


class VectorSizeHint(Transformer):
    """Vectors of another size, and missing ones, are refused, left out or let through."""

    def output_schema(self, schema: StructType) -> StructType:
        name = self.params["inputCol"]
        field = field_of(schema, name)
        if "size" not in self.params:
            raise NoSuchElementException(None, "Failed to find a default value for size")
        size = self.params["size"]
        if not isinstance(field.dataType, VectorUDT):
            raise IllegalArgumentException(None, "requirement failed")
        known = AttributeGroup.of(field).size
        if known not in (-1, size):
            message = f"Trying to set size of vectors in `{name}` to {size} but size already set to {known}."
            raise IllegalArgumentException(None, message)
        metadata = field.metadata if known == size else AttributeGroup(count=size).metadata()
        return with_fields(schema, StructField(name, field.dataType, field.nullable, metadata))

    def transform(self, batch: pa.RecordBatch, schema: StructType) -> pa.RecordBatch:
        if self.params["handleInvalid"] == "optimistic":
            return batch
        cells = column(batch, schema, self.params["inputCol"])
        valid = cells.is_valid().to_numpy(zero_copy_only=False)
        found = np.full(len(cells), -1)
        found[valid] = sizes(cells.filter(pa.array(valid)))
        wrong = found != self.params["size"]
        if wrong.any() and self.params["handleInvalid"] == "error":
            first = int(found[np.argmax(wrong)])
            expected = f"VectorSizeHint Expecting a vector of size {self.params['size']} but got"
            message = "Got null vector in VectorSizeHint" if first < 0 else f"{expected} {first}"
            raise SparkRuntimeException("USER_RAISED_EXCEPTION", errorMessage=message)
        return batch.filter(pa.array(~wrong)) if wrong.any() else batch


def selected_columns(cells: pa.StructArray, places: Sequence[int]) -> pa.StructArray:
    """The vectors with these features only, dense or sparse as they are."""
    matrix = as_csr(cells)
    return mixed_column(matrix[:, list(places)], dense_rows(cells)) if len(cells) else cells
