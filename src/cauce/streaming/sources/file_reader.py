"""Reading the files of one batch."""

from collections.abc import Iterable

import pyarrow as pa
from pyspark.sql.connect.proto import Relation
from pyspark.sql.pandas.types import to_arrow_schema

from cauce.conf import parse_boolean
from cauce.errors import SparkError
from cauce.formats.partition_path import partition_values
from cauce.streaming.sources.file_relation import PartitionedFile, files_relation
from cauce.streaming.sources.file_schema import FileSchema, reader_options
from cauce.streaming.sources.source import SourceContext, SourceOptions

__all__ = ["FileReader"]

IGNORE_MISSING = "ignoreMissingFiles"


class FileReader:
    """Files in, one batch relation (or table) out. Empty files are left out, as Spark does."""

    def __init__(
        self, options: SourceOptions, context: SourceContext, base: str | None, schema: FileSchema
    ) -> None:
        self._format = options.format.lower()
        self._options = reader_options(options)
        self._file_system = context.file_system
        self._base = base
        self._schema = schema
        ignore_missing = options.get(IGNORE_MISSING) or context.conf.get("spark.sql.files.ignoreMissingFiles")
        self._ignore_missing = parse_boolean(ignore_missing or "false")

    def read(self, paths: Iterable[str]) -> "pa.Table | Relation":
        """The rows of these files."""
        files = [self._partitioned(path) for path in paths if self._has_rows(path)]
        if not files:
            return to_arrow_schema(self._schema.all, timezone="UTC").empty_table()
        return files_relation(
            self._format,
            files,
            data=self._schema.data,
            partitions=self._schema.partitions,
            options=self._options,
        )

    def _has_rows(self, path: str) -> bool:
        try:
            return self._file_system.status(path).size_bytes > 0
        except FileNotFoundError:
            if self._ignore_missing:
                return False
            raise SparkError("FAILED_READ_FILE.FILE_NOT_EXIST", path=f"file://{path}") from None

    def _partitioned(self, path: str) -> PartitionedFile:
        found = {name.lower(): value for name, value in partition_values(path, self._base).items()}
        return PartitionedFile(path, tuple(found.get(name.lower()) for name in self._schema.partitions.names))
