"""Programs whose answer on cauce is not Spark's yet, and how they fail: a gap that closes fails the build."""

__all__ = ["GAPS"]

GAPS: dict[str, str] = {}
"""Program -> why, in a few words for docs/spark-support.md."""
