"""What goes wrong with Delta tables, in Delta Lake's classes, conditions and words.

AnalysisException
`-- DeltaAnalysisException               org.apache.spark.sql.delta.DeltaAnalysisException
UnsupportedOperationException
`-- DeltaUnsupportedOperationException   org.apache.spark.sql.delta.DeltaUnsupportedOperationException
IllegalArgumentException
`-- DeltaIllegalArgumentException        org.apache.spark.sql.delta.DeltaIllegalArgumentException
IllegalStateException
`-- DeltaIllegalStateException           org.apache.spark.sql.delta.DeltaIllegalStateException
SparkRuntimeException
`-- InvariantViolationException          org.apache.spark.sql.delta.schema.DeltaInvariantViolationException
ConcurrentModificationException
`-- DeltaConcurrentModificationException io.delta.exceptions.*, one Java class for each kind of conflict
"""

from cauce.errors import (
    AnalysisException,
    ConcurrentModificationException,
    IllegalArgumentException,
    IllegalStateException,
    SparkRuntimeException,
    UnsupportedOperationException,
)

__all__ = [
    "DeltaAnalysisException",
    "DeltaConcurrentModificationException",
    "DeltaIllegalArgumentException",
    "DeltaIllegalStateException",
    "DeltaUnsupportedOperationException",
    "InvariantViolationException",
    "conflict",
    "log_has_a_gap",
    "no_such_version",
    "table_not_found",
]

DOCUMENTATION = "https://docs.delta.io/latest/concurrency-control.html"


class DeltaAnalysisException(AnalysisException):
    """Refused before anything runs."""

    java_class = "org.apache.spark.sql.delta.DeltaAnalysisException"
    java_parents = (AnalysisException.java_class, *AnalysisException.java_parents)


class DeltaUnsupportedOperationException(UnsupportedOperationException):
    """Something Delta does not do to such a table."""

    java_class = "org.apache.spark.sql.delta.DeltaUnsupportedOperationException"
    java_parents = (UnsupportedOperationException.java_class, *UnsupportedOperationException.java_parents)


class DeltaIllegalArgumentException(IllegalArgumentException):
    """A value outside what an option or command takes."""

    java_class = "org.apache.spark.sql.delta.DeltaIllegalArgumentException"
    java_parents = (IllegalArgumentException.java_class, *IllegalArgumentException.java_parents)


class DeltaIllegalStateException(IllegalStateException):
    """A log that is not what it must be."""

    java_class = "org.apache.spark.sql.delta.DeltaIllegalStateException"
    java_parents = (IllegalStateException.java_class, *IllegalStateException.java_parents)


class InvariantViolationException(SparkRuntimeException):
    """A row that the table's constraints do not allow."""

    java_class = "org.apache.spark.sql.delta.schema.DeltaInvariantViolationException"
    java_parents = (
        "org.apache.spark.sql.delta.schema.InvariantViolationException",
        "java.lang.RuntimeException",
        "java.lang.Exception",
        "java.lang.Throwable",
        "java.lang.Object",
    )


class DeltaConcurrentModificationException(ConcurrentModificationException):
    """Another writer's commit came first and does not go together with this one."""

    java_class = "io.delta.exceptions.DeltaConcurrentModificationException"
    java_parents = (ConcurrentModificationException.java_class, *ConcurrentModificationException.java_parents)

    @property
    def class_hierarchy(self) -> list[str]:
        """The kind of conflict comes first, so that the client raises `delta.exceptions.<kind>`."""
        kind = KINDS.get((self.condition or "").split(".")[0])
        return ([f"io.delta.exceptions.{kind}"] if kind else []) + super().class_hierarchy


KINDS = {
    "DELTA_CONCURRENT_APPEND": "ConcurrentAppendException",
    "DELTA_CONCURRENT_DELETE_DELETE": "ConcurrentDeleteDeleteException",
    "DELTA_CONCURRENT_DELETE_READ": "ConcurrentDeleteReadException",
    "DELTA_CONCURRENT_TRANSACTION": "ConcurrentTransactionException",
    "DELTA_CONCURRENT_WRITE": "ConcurrentWriteException",
    "DELTA_METADATA_CHANGED": "MetadataChangedException",
    "DELTA_PROTOCOL_CHANGED": "ProtocolChangedException",
}


def conflict(
    condition: str, path: str, *, version: int, operation: str
) -> DeltaConcurrentModificationException:
    """A conflict with the commit `version`, which was an `operation`."""
    return DeltaConcurrentModificationException(
        condition,
        operation=operation,
        tableName=f"delta.`{path}`",
        version=version,
        conflictingCommit=f"\nConflicting commit: version {version}, {operation}",
        docLink=DOCUMENTATION,
        additionalInfo="",
    )


def table_not_found(path: str) -> DeltaAnalysisException:
    return DeltaAnalysisException("DELTA_PATH_DOES_NOT_EXIST", path=path)


def no_such_version(version: int, earliest: int, latest: int) -> DeltaAnalysisException:
    return DeltaAnalysisException(
        "DELTA_VERSION_NOT_FOUND", userVersion=version, earliest=earliest, latest=latest
    )


def log_has_a_gap(path: str, last: int, following: int) -> DeltaIllegalStateException:
    return DeltaIllegalStateException(
        "DELTA_VERSIONS_NOT_CONTIGUOUS",
        versionList=f"Vector({last}, {following})",
        startVersion=last,
        endVersion=following,
        versionToLoad=f"-1 of {path}",
    )
