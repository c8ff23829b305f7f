"""The input of the benchmarks: Parquet files of events in time order, the same on every run."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

__all__ = ["write_events", "write_state_sizes", "write_wide_events"]

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


def write_wide_events(folder: Path, *, files: int, rows_per_file: int, keys: int, users: int) -> None:
    """Events of many keys and users, a minute of event time a file."""
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(SEED)
    for number in range(files):
        _write_wide(folder / f"{number:05}.parquet", number, random.integers(0, keys, rows_per_file), users)


def write_state_sizes(folder: Path, *, few: int, many: int, batches: int, rows: int) -> None:
    """Two streams that first show each of their keys once, then a batch of random ones a file."""
    random = np.random.default_rng(SEED)
    for name, keys in (("few", few), ("many", many)):
        (folder / name).mkdir(parents=True, exist_ok=True)
        stretch = min(keys, 1_000_000)
        shown = [np.arange(start, start + stretch) for start in range(0, keys, stretch)]
        for number, part in enumerate([*shown, *(random.integers(0, keys, rows) for _ in range(batches))]):
            _write_wide(folder / name / f"{number:05}.parquet", number, part, 1)


def _write_wide(path: Path, number: int, keys: np.ndarray, users: int) -> None:
    random, rows, span_us = np.random.default_rng(number), len(keys), 60_000_000
    times = START_US + number * span_us + np.sort(random.integers(0, span_us, rows))
    table = pa.table(
        {
            "event_time": pa.array(times, pa.timestamp("us", "UTC")),
            "key": keys,
            "user": random.integers(0, users, rows),
            "value": random.random(rows),
        }
    )
    pq.write_table(table, path)
