"""Table features: which of them cauce can read and write, and the error for the others."""

from collections.abc import Iterable
from dataclasses import replace

from cauce.delta.actions import TABLE_FEATURES_READER, TABLE_FEATURES_WRITER, Protocol
from cauce.delta.errors import DeltaUnsupportedOperationException

__all__ = [
    "LEGACY_WRITER",
    "check_readable",
    "check_writable",
    "features_of_protocol",
    "protocol_for",
    "with_features",
]

VERSION = "4.4"
READER_FEATURES = frozenset({"timestampNtz", "deletionVectors", "v2Checkpoint", "vacuumProtocolCheck"})
WRITER_FEATURES = READER_FEATURES | {
    "appendOnly",
    "invariants",
    "checkConstraints",
    "changeDataFeed",
    "generatedColumns",
    "allowColumnDefaults",
    "identityColumns",
    "domainMetadata",
    "inCommitTimestamp",
}
LEGACY_WRITER = {
    "appendOnly": 2,
    "invariants": 2,
    "checkConstraints": 3,
    "changeDataFeed": 4,
    "generatedColumns": 4,
    "columnMapping": 5,
    "identityColumns": 6,
}
"""The writer version that a feature came with before there were table features."""


def features_of_protocol(protocol: Protocol) -> dict[str, str]:
    """The protocol as SHOW TBLPROPERTIES lists it."""
    names = protocol.reader_features | protocol.writer_features
    shown = {f"delta.feature.{name}": "supported" for name in names}
    return {
        **shown,
        "delta.minReaderVersion": str(protocol.min_reader),
        "delta.minWriterVersion": str(protocol.min_writer),
    }


def check_readable(protocol: Protocol, path: str) -> None:
    """DELTA_UNSUPPORTED_FEATURES_FOR_READ if the rows cannot be read rightly."""
    _check(protocol.reader_features - READER_FEATURES, "READ", path)
    if protocol.min_reader == 2:
        _check({"columnMapping"}, "READ", path)


def check_writable(protocol: Protocol, path: str) -> None:
    """DELTA_UNSUPPORTED_FEATURES_FOR_WRITE if cauce could break a promise of the table."""
    check_readable(protocol, path)
    _check(protocol.writer_features - WRITER_FEATURES, "WRITE", path)


def protocol_for(features: Iterable[str]) -> Protocol:
    """The lowest protocol of a new table that uses these features."""
    return with_features(Protocol(), features)


def with_features(protocol: Protocol, features: Iterable[str]) -> Protocol:
    """The protocol with more features; raised no further than they ask for."""
    wanted = frozenset(features)
    if protocol.min_writer < TABLE_FEATURES_WRITER and wanted <= set(LEGACY_WRITER) - {"columnMapping"}:
        needed = max([protocol.min_writer, *(LEGACY_WRITER[name] for name in wanted)])
        return replace(protocol, min_writer=needed)
    legacy = {n for n, v in LEGACY_WRITER.items() if protocol.min_writer < 7 and v <= protocol.min_writer}
    reading = wanted & READER_FEATURES
    return Protocol(
        max(protocol.min_reader, TABLE_FEATURES_READER if reading else 1),
        TABLE_FEATURES_WRITER,
        protocol.reader_features | reading,
        protocol.writer_features | wanted | legacy,
    )


def _check(unsupported: Iterable[str], access: str, path: str) -> None:
    if unsupported:
        raise DeltaUnsupportedOperationException(
            f"DELTA_UNSUPPORTED_FEATURES_FOR_{access}",
            tableNameOrPath=path,
            deltaVersion=VERSION,
            unsupported=", ".join(sorted(unsupported)),
        )
