"""What a reader does with a record it cannot read: keep what it can, drop it, or fail."""

from collections.abc import Callable
from dataclasses import dataclass

from pyspark.sql.types import StructType

from cauce.errors import SparkError
from cauce.formats.format_options import FormatOptions

__all__ = ["RecordMode"]

CORRUPT_RECORD = "_corrupt_record"


@dataclass(frozen=True)
class RecordMode:
    """`mode` and `columnNameOfCorruptRecord`."""

    name: str
    corrupt_column: str
    put_aside: Callable[[str, SparkError], None] | None = None

    @staticmethod
    def parse(options: FormatOptions) -> "RecordMode":
        # Spark takes an unknown mode for PERMISSIVE, with a warning.
        mode = options.get("mode", default="PERMISSIVE").upper()
        known = mode if mode in ("DROPMALFORMED", "FAILFAST") else "PERMISSIVE"
        column = options.get("columnNameOfCorruptRecord", default=CORRUPT_RECORD)
        return RecordMode(known, column, options.put_aside)

    def data_schema(self, schema: StructType) -> StructType:
        """The columns that are in the records."""
        return StructType([field for field in schema.fields if field.name != self.corrupt_column])

    def minds(self, schema: StructType) -> bool:
        """Whether a bad value has more consequences than a null."""
        return self.name != "PERMISSIVE" or self.corrupt_column in schema.names

    def keeps(self, record: str, *, bad: bool) -> bool:
        """Whether a record becomes a row; in FAILFAST mode a bad one is an error, or put aside with it."""
        if bad and self.name == "FAILFAST":
            error = SparkError(
                "MALFORMED_RECORD_IN_PARSING.WITHOUT_SUGGESTION", badRecord=record, failFastMode="FAILFAST"
            )
            if self.put_aside is None:
                raise error
            self.put_aside(record, error)
        return not bad or self.name == "PERMISSIVE"
