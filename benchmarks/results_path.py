"""How results leave: `toArrow` of a million rows, and small results, through cauce and from Sail itself.

python benchmarks/results_path.py [--check]: one table, the same process and engine for both; with --check it
fails unless large results are at least 3x faster and small ones at most 1.5 ms slower.
"""

import statistics
import sys
import time
from collections.abc import Callable

from pyspark.sql import DataFrame, SparkSession

from cauce.server import CauceServer

ROWS = 1_000_000
LARGE_RUNS = 9
SMALL_RUNS = 150
SPEED_UP_MIN = 3.0
ADDED_MS_MAX = 1.5

FRAMES: dict[str, tuple[int, Callable[[SparkSession], DataFrame]]] = {
    "toArrow, 1M rows, long and string": (
        LARGE_RUNS,
        lambda spark: spark.range(ROWS).selectExpr("id AS a", "cast(id % 1000 AS string) AS b"),
    ),
    "toArrow, 1 row": (SMALL_RUNS, lambda spark: spark.range(1)),
    "toArrow, 1,000 rows": (SMALL_RUNS, lambda spark: spark.range(1000)),
}


def main() -> int:
    with CauceServer() as server:
        direct = SparkSession.builder.remote(f"sc://{server.engine.address}").create()
        cauce = SparkSession.builder.remote(server.connection_string).create()
        print(f"{'':36} {'Sail ms':>9} {'cauce ms':>9} {'ratio':>6}")
        passed = [_compare(name, direct, cauce) for name in FRAMES]
        direct.stop()
        cauce.stop()
    return 0 if all(passed) or "--check" not in sys.argv else 1


def _compare(name: str, direct: SparkSession, cauce: SparkSession) -> bool:
    runs, make = FRAMES[name]
    frames = [make(direct), make(cauce)]
    times_ms: list[list[float]] = [[], []]
    for _ in range(runs):
        for frame, measured in zip(frames, times_ms, strict=True):  # in turns, so that both see the same load
            began = time.perf_counter()
            frame.toArrow()
            measured.append((time.perf_counter() - began) * 1000)
    sail_ms, cauce_ms = (statistics.median(measured[1:]) for measured in times_ms)
    print(f"{name:36} {sail_ms:9.2f} {cauce_ms:9.2f} {sail_ms / cauce_ms:6.1f}")
    if runs == LARGE_RUNS:
        return sail_ms / cauce_ms >= SPEED_UP_MIN
    return cauce_ms - sail_ms <= ADDED_MS_MAX


if __name__ == "__main__":
    sys.exit(main())
