"""`from_json` in FAILFAST mode: a column of JSON texts to a column of structs, or an error for a bad one."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa
from pyspark.sql.types import StructType

from cauce.formats.format_options import FormatOptions
from cauce.formats.json_reader import read_json_texts

__all__ = ["JsonDecoder"]


@dataclass(frozen=True)
class JsonDecoder:
    """Called with a column of texts. Travels to the engine by pickle."""

    schema: str
    """The struct, as JSON; moments in it are texts, which the plan casts."""
    options: Mapping[str, str]

    def __call__(self, texts: pa.Array) -> pa.Array:
        schema = StructType.fromJson(json.loads(self.schema))
        rows, numbers = read_json_texts(texts.to_pylist(), schema, FormatOptions(self.options))
        columns = [rows.column(name).combine_chunks() for name in schema.names]
        structs = pa.StructArray.from_arrays(columns, fields=list(rows.schema))
        return structs.take(pa.array(numbers, pa.int64()))
