"""The text format to Arrow: a row per line, or per file."""

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql.types import StructType

from cauce.formats.format_options import FormatOptions

__all__ = ["read_text"]


def read_text(data: bytes, schema: StructType, options: FormatOptions) -> pa.Table:
    """One column of strings; what is not UTF-8 is shown as such. A last line need not be ended."""
    text = data.decode(errors="replace")
    if options.flag("wholetext", False):
        return pa.table({schema.names[0]: [text]})
    separator = options.get("lineSep")
    if not separator:
        text, separator = text.replace("\r\n", "\n").replace("\r", "\n"), "\n"
    text = text.removesuffix(separator)
    lines = pc.split_pattern(pa.array([text]), separator).values
    return pa.table([lines], names=[schema.names[0]])
