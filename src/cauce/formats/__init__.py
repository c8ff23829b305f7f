"""Spark's file formats on Arrow tables: exactly its text, its names and its reading of odd input.

Imported by streaming; imports files, conf and errors. Nothing here knows about queries or plans. Not
supported: files of avro and xml, Hadoop framings of lz4 and snappy text files. Parquet is read by the engine.
"""

from cauce.formats.format_options import FormatOptions
from cauce.formats.reading import READERS, constant_column, decompress
from cauce.formats.writing import WRITERS, FormatWriter

__all__ = ["READERS", "WRITERS", "FormatOptions", "FormatWriter", "constant_column", "decompress"]
