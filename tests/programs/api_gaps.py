"""Calls of the api_ programs whose answer on cauce is not Spark's: a gap that closes fails the build."""

__all__ = ["API_GAPS"]

API_GAPS: dict[str, dict[str, str]] = {
    "api_catalog": {
        "createExternalTable": "refused",
        "createTable": "a table over files that are there is refused; CREATE TABLE in SQL does it",
        "getTableProperties": "refused",
    },
    "api_frame": {
        "groups.cogroup": "fails on nulls",
        "lateralJoin": "refused with a table function",
        "metadataColumn": "another error class",
        "nearestByJoin": "refused",
    },
    "api_readers_and_writers": {
        "bucketBy": "not refused",
        "bucketBy.save": "another error",
        "clusterBy": "not refused",
        "orc": "a batch cannot write ORC, a stream can",
        "read.changes": "another error",
        "read.load.unknown": "an AnalysisException, not an unknown one",
        "saveAsTable.exists": "PATH_ALREADY_EXISTS",
        "sortBy.alone": "another error",
        "writeTo.append": "another error",
        "writeTo.create.exists": "PATH_ALREADY_EXISTS",
        "writeTo.createOrReplace": "done, where Spark's own catalog refuses",
        "writeTo.overwrite": "another error",
        "writeTo.overwritePartitions": "another error",
        "writeTo.replace": "another error",
        "xml": "no XML",
    },
    "api_statistics": {
        "approxQuantile.text": "another error",
        "corr.text": "another error",
        "crosstab": "nulls are left out",
        "na.drop.unknown": "another error",
        "summary": "percentiles are interpolated",
    },
    "api_table_functions": {
        "collations": "refused",
        "collations.columns": "refused",
        "collations.many": "refused",
        "explode.map": "the engine fails on a map of constants",
        "inline": "another error",
        "python_worker_logs": "another error",
        "sql_keywords.sql": "only as spark.tvf",
        "variant_explode_outer": "no row for an empty array",
    },
}
"""Program -> call -> why, in a few words for docs/spark-support.md."""
