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
    "implied_features",
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
    """The protocol with more features; they are listed unless a version stands for exactly them."""
    listed = protocol.reader_features | protocol.writer_features | implied_features(protocol)
    wanted = listed | frozenset(features)
    if wanted == listed:
        return protocol
    for version in (2, 3, 4):
        if protocol.min_writer <= version and wanted == _implied(version):
            return replace(protocol, min_writer=version)
    reading = wanted & READER_FEATURES
    return Protocol(
        max(protocol.min_reader, TABLE_FEATURES_READER if reading else 1),
        TABLE_FEATURES_WRITER,
        reading,
        wanted,
    )


def implied_features(protocol: Protocol) -> frozenset[str]:
    """The features that a protocol without a list of them comes with."""
    return _implied(protocol.min_writer) if protocol.min_writer < TABLE_FEATURES_WRITER else frozenset()


def _implied(version: int) -> frozenset[str]:
    return frozenset(name for name, since in LEGACY_WRITER.items() if since <= version)


def _check(unsupported: Iterable[str], access: str, path: str) -> None:
    if unsupported:
        raise DeltaUnsupportedOperationException(
            f"DELTA_UNSUPPORTED_FEATURES_FOR_{access}",
            tableNameOrPath=path,
            deltaVersion=VERSION,
            unsupported=", ".join(sorted(unsupported)),
        )
