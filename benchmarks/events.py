"""The input of the benchmarks: Parquet files of events in time order, the same on every run."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

__all__ = ["write_events"]

SEED = 7
START_US = 1_700_000_000_000_000
KEYS = 1_000


def write_events(folder: Path, *, files: int, rows_per_file: int, span_s: float) -> None:
    """`files` files, each covering the next `span_s` seconds of event time."""
    if len(list(folder.glob("*.parquet"))) == files:
        return
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(SEED)
    span_us = int(span_s * 1_000_000)
    for number in range(files):
        times = START_US + number * span_us + np.sort(random.integers(0, span_us, rows_per_file))
        table = pa.table(
            {
                "event_time": pa.array(times, pa.timestamp("us", "UTC")),
                "key": random.integers(0, KEYS, rows_per_file),
                "value": random.random(rows_per_file),
            }
        )
        pq.write_table(table, folder / f"{number:05}.parquet")
