"""Spark's file formats on Arrow tables: exactly its text, its names and its reading of odd input.

Imported by streaming; imports files, conf and errors. Nothing here knows about queries or plans. Not
supported: avro, xml, and the Hadoop framings of lz4 and snappy text files.
"""

from cauce.formats.writing import WRITERS, FormatWriter, WriteOptions

__all__ = ["WRITERS", "FormatWriter", "WriteOptions"]
