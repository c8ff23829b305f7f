"""Programs whose answer on cauce is not Spark's yet, and how they fail: a gap that closes fails the build."""

__all__ = ["GAPS"]

GAPS = {
    "extra_aggregates": "histogram_numeric is refused",
    "frame_operations": "the engine crashes in an unpivot of nullable with other columns, which is an error",
    "growing_static_join": "files added to a static folder are seen by the next batch, not in Spark",
}
"""Program -> why, in a few words for docs/spark-support.md."""
