"""Table properties: their spelling, what they ask of readers and writers, and those unknown here."""

from collections.abc import Mapping

from cauce.delta.errors import DeltaAnalysisException, DeltaUnsupportedOperationException

__all__ = ["default_properties", "features_of_properties", "table_properties"]

FEATURES = {
    "delta.appendOnly": "appendOnly",
    "delta.enableChangeDataFeed": "changeDataFeed",
    "delta.enableDeletionVectors": "deletionVectors",
    "delta.enableInCommitTimestamps": "inCommitTimestamp",
}
REFUSED = {
    "delta.enableRowTracking": "rowTracking",
    "delta.enableTypeWidening": "typeWidening",
    "delta.enableIcebergCompatV1": "icebergCompatV1",
    "delta.enableIcebergCompatV2": "icebergCompatV2",
    "delta.universalFormat.enabledFormats": "icebergCompatV2",
}
KNOWN = {
    "delta.autoOptimize",
    "delta.autoOptimize.autoCompact",
    "delta.autoOptimize.optimizeWrite",
    "delta.checkpoint.writeStatsAsJson",
    "delta.checkpoint.writeStatsAsStruct",
    "delta.checkpointInterval",
    "delta.checkpointPolicy",
    "delta.columnMapping.mode",
    "delta.compatibility.symlinkFormatManifest.enabled",
    "delta.dataSkippingNumIndexedCols",
    "delta.dataSkippingStatsColumns",
    "delta.deletedFileRetentionDuration",
    "delta.enableExpiredLogCleanup",
    "delta.inCommitTimestampEnablementTimestamp",
    "delta.inCommitTimestampEnablementVersion",
    "delta.isolationLevel",
    "delta.logRetentionDuration",
    "delta.minReaderVersion",
    "delta.minWriterVersion",
    "delta.randomizeFilePrefixes",
    "delta.setTransactionRetentionDuration",
    "delta.targetFileSize",
    "delta.tuneFileSizesForRewrites",
}
SPELLED = {name.lower(): name for name in (*KNOWN, *FEATURES, *REFUSED)}
DEFAULTS = "spark.databricks.delta.properties.defaults."
FEATURE = "delta.feature."


def default_properties(conf: Mapping[str, str]) -> dict[str, str]:
    """What the session's settings give every new table."""
    return {f"delta.{k[len(DEFAULTS) :]}": v for k, v in conf.items() if k.startswith(DEFAULTS)}


def table_properties(given: Mapping[str, str]) -> dict[str, str]:
    """The properties as the log keeps them: protocol requests are not kept, names have their spelling."""
    kept = {_spelled(key): value for key, value in given.items()}
    return {key: value for key, value in kept.items() if not _is_request(key)}


def features_of_properties(given: Mapping[str, str]) -> set[str]:
    """The table features that the properties ask for."""
    found = set()
    for key, value in given.items():
        name, on = _spelled(key), value.lower() == "true"
        if name.lower().startswith(FEATURE):
            found.add(name[len(FEATURE) :])
        elif name in FEATURES and on:
            found.add(FEATURES[name])
        elif name.startswith("delta.constraints."):
            found.add("checkConstraints")
        elif name in REFUSED and value.lower() != "false":
            raise _refused(REFUSED[name])
        elif name == "delta.columnMapping.mode" and value.lower() != "none":
            raise _refused("columnMapping")
    return found


def _is_request(key: str) -> bool:
    return key.startswith(FEATURE) or key in ("delta.minReaderVersion", "delta.minWriterVersion")


def _spelled(key: str) -> str:
    """A `delta.` property in its own spelling; unknown ones are refused, as typing errors would hide."""
    lower = key.lower()
    if not lower.startswith("delta.") or lower.startswith(("delta.constraints.", FEATURE)):
        return key
    if lower not in SPELLED:
        raise DeltaAnalysisException("DELTA_UNKNOWN_CONFIGURATION", config=key, disableCheckConfig=DISABLE)
    return SPELLED[lower]


DISABLE = "spark.databricks.delta.allowArbitraryProperties.enabled"


def _refused(feature: str) -> DeltaUnsupportedOperationException:
    return DeltaUnsupportedOperationException(
        "DELTA_UNSUPPORTED_FEATURES_FOR_WRITE",
        tableNameOrPath="the new table",
        deltaVersion="4.4",
        unsupported=feature,
    )
