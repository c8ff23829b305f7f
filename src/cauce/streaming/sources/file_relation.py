"""A batch relation over exactly the given files, with the columns their folders stand for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from operator import itemgetter

from pyspark.sql.connect.proto import Expression, Project, Read, Relation
from pyspark.sql.types import ArrayType, DataType, MapType, StructType, TimestampType

from cauce.engine.ddl import ddl_text
from cauce.files import FileStatus, local_copies, uri_of_path
from cauce.formats.parquet_schema import has_int96
from cauce.plan.build import alias, text_as, union_all
from cauce.streaming.sources.file_metadata import metadata_expression

__all__ = ["PartitionedFile", "files_relation"]


@dataclass(frozen=True)
class PartitionedFile:
    """A file and the values of its partition columns, in the order of the schema."""

    path: str
    values: tuple[str | None, ...]
    metadata: FileStatus | None = None
    """What `_metadata` is made of, if the plan asks for it."""


def files_relation(
    format: str,
    files: Sequence[PartitionedFile],
    *,
    data: StructType | None,
    partitions: StructType,
    options: Mapping[str, str],
) -> Relation:
    """One scan per set of partition values, put together; without `data` the engine finds the columns."""
    copies = local_copies([file.path for file in files])
    files = [replace(file, path=copy) for file, copy in zip(files, copies, strict=True)]
    with_moments = format.lower() == "parquet" and data is not None and _holds_timestamps(data)
    keyed = [(_key(file, with_moments and len(files) > 1), file) for file in files]
    parts = []
    for _, group in groupby(sorted(keyed, key=itemgetter(0)), key=itemgetter(0)):
        members = [file for _, file in group]
        # A URI, because Sail takes brackets and stars of a plain path for a pattern.
        paths = [uri_of_path(file.path) for file in members]
        source = Read.DataSource(format=format, paths=paths, options=options)
        if data is not None:
            source.schema = ddl_text(data)
        scan = Relation(read=Read(data_source=source))
        constants = _constants(members[0], partitions)
        parts.append(_with_constants(scan, constants) if constants else scan)
    return union_all(parts)


def _key(file: PartitionedFile, with_moments: bool) -> tuple:
    """Files of one scan have the same partition values, and spell timestamps the same way: Sail needs it."""
    values = tuple((value is None, value or "") for value in file.values)
    alone = "" if file.metadata is None else file.path
    return (alone, has_int96(file.path) if with_moments else False, *values)


def _holds_timestamps(kind: DataType) -> bool:
    match kind:
        case TimestampType():
            return True
        case StructType():
            return any(_holds_timestamps(field.dataType) for field in kind)
        case ArrayType():
            return _holds_timestamps(kind.elementType)
        case MapType():
            return _holds_timestamps(kind.keyType) or _holds_timestamps(kind.valueType)
    return False


def _with_constants(scan: Relation, constants: list[Expression]) -> Relation:
    star = Expression(unresolved_star=Expression.UnresolvedStar())
    return Relation(project=Project(input=scan, expressions=[star, *constants]))


def _constants(file: PartitionedFile, partitions: StructType) -> list[Expression]:
    pairs = zip(file.values, partitions.fields, strict=True)
    columns = [alias(text_as(field.dataType, value), field.name) for value, field in pairs]
    return columns if file.metadata is None else [*columns, metadata_expression(file.metadata)]
