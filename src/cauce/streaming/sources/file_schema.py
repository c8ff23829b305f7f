"""The columns of a file stream: those in the files, then those in the folder names."""

from dataclasses import dataclass

from pyspark.sql.connect.proto import Read, Relation
from pyspark.sql.types import ArrayType, DataType, MapType, StringType, StructField, StructType

from cauce.errors import AnalysisException, IllegalArgumentException
from cauce.files import local_copies, local_copy, uri_of_path
from cauce.formats import FormatOptions, decompress
from cauce.formats.csv_inference import infer_csv
from cauce.formats.orc_reader import orc_schema
from cauce.formats.parquet_schema import noted_schema
from cauce.formats.partition_path import infer_partition_schema, partition_values
from cauce.streaming.sources.file_glob import is_glob
from cauce.streaming.sources.file_listing import FileListing
from cauce.streaming.sources.file_metadata import METADATA_FIELD, METADATA_OPTION
from cauce.streaming.sources.file_options import STREAM_ONLY_OPTIONS
from cauce.streaming.sources.source import SourceContext, SourceOptions

__all__ = ["FileSchema", "reader_options", "resolve_file_schema"]

SCHEMA_INFERENCE = "spark.sql.streaming.schemaInference"
PARTITION_INFERENCE = "spark.sql.sources.partitionColumnTypeInference.enabled"
FORCE_NULLABLE = "spark.sql.streaming.fileSource.schema.forceNullable"
INFERENCE_FILES_MAX = 100
"""Files of JSON looked at to infer a schema; the oldest first, like everything else a stream reads."""


@dataclass(frozen=True)
class FileSchema:
    """Data columns are read from files; partition columns are made from folder names."""

    data: StructType
    partitions: StructType
    with_metadata: bool = False

    @property
    def all(self) -> StructType:
        hidden = [METADATA_FIELD] if self.with_metadata else []
        return StructType([*self.data.fields, *self.partitions.fields, *hidden])


def resolve_file_schema(options: SourceOptions, context: SourceContext, listing: FileListing) -> FileSchema:
    """As Spark resolves it when `load()` is called; files that arrive later change nothing."""
    if not is_glob(listing.path) and not context.file_system.exists(listing.path):
        raise AnalysisException("PATH_NOT_FOUND", path=listing.path)
    is_text = options.format.lower() == "text"
    if options.schema is None and not is_text and not context.conf.flag(SCHEMA_INFERENCE):
        raise IllegalArgumentException("_LEGACY_ERROR_TEMP_2048")
    files = listing.files()
    found = [] if listing.recursive else [partition_values(file.path, listing.base) for file in files]
    partitions = infer_partition_schema(
        [dict.fromkeys(options.partition_by), *found],
        options.schema,
        infer_types=context.conf.get(PARTITION_INFERENCE) != "false",
    )
    data = options.schema or _infer(options, context, [file.path for file in files])
    # A resolved schema may come back as the declared one.
    names = {name.lower() for name in (*partitions.names, METADATA_FIELD.name)}
    data = StructType([field for field in data if field.name.lower() not in names])
    force_nullable = context.conf.get(FORCE_NULLABLE) != "false"
    with_metadata = options.flag(METADATA_OPTION, False)
    return FileSchema(nullable(data) if force_nullable else data, partitions, with_metadata)


def reader_options(options: SourceOptions) -> dict[str, str]:
    """The options meant for the reader of the format."""
    return {name: value for name, value in options.options.items() if name.lower() not in STREAM_ONLY_OPTIONS}


def nullable(kind: StructType) -> StructType:
    """The same type with every field, element and value nullable: files promise nothing."""
    return StructType([StructField(f.name, _nullable(f.dataType), True, f.metadata) for f in kind.fields])


def _nullable(kind: DataType) -> DataType:
    match kind:
        case StructType():
            return nullable(kind)
        case ArrayType():
            return ArrayType(_nullable(kind.elementType), True)
        case MapType():
            return MapType(_nullable(kind.keyType), _nullable(kind.valueType), True)
    return kind


def _infer(options: SourceOptions, context: SourceContext, paths: list[str]) -> StructType:
    if options.format.lower() == "text":
        return StructType([StructField("value", StringType())])
    if not paths:
        raise AnalysisException("UNABLE_TO_INFER_SCHEMA", format=options.format.upper())
    noted = noted_schema(paths[0]) if options.format.lower() == "parquet" else None
    if noted is not None:
        return noted
    if options.format.lower() == "orc":
        return orc_schema(local_copy(paths[0]))
    if options.format.lower() == "csv":
        return _infer_csv(options, context, paths)
    source = Read.DataSource(
        format=options.format,
        paths=[uri_of_path(path) for path in local_copies(paths[:INFERENCE_FILES_MAX])],
        options=reader_options(options),
    )
    return context.engine.schema(Relation(read=Read(data_source=source)))


def _infer_csv(options: SourceOptions, context: SourceContext, paths: list[str]) -> StructType:
    given = reader_options(options)
    time_zone = options.get("timeZone") or context.engine.time_zone
    pairs = zip(paths, local_copies(paths), strict=True)
    files = [decompress(path, context.file_system.read_bytes(copy)) for path, copy in pairs]
    return infer_csv(files, FormatOptions(given, time_zone))
