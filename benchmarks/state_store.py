"""What the state store costs: a batch over few and many keys, a small windowed batch, a restart, memory.

    python benchmarks/state_store.py [--keys 10000000] [--batch 100000] [--folder DIR]

The folder decides what an fsync costs; it should be on a disk, not in memory.
"""

import argparse
import resource
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyarrow as pa
from rich.console import Console
from rich.table import Table

from cauce.files import LocalFileSystem
from cauce.state import StateStore

KEYS = pa.schema([pa.field("key", pa.int64())])
VALUES = pa.schema(
    [pa.field("count", pa.int64()), pa.field("sum", pa.float64()), pa.field("event_time_us", pa.int64())]
)
WINDOW_KEYS = pa.schema(
    [pa.field("category", pa.string()), pa.field("start", pa.int64()), pa.field("end", pa.int64())]
)
FEW_KEYS = 100_000
BATCHES = 30


class Stopwatch:
    """Seconds of every named phase, one number per batch."""

    def __init__(self) -> None:
        self.seconds: dict[str, list[float]] = {}

    @contextmanager
    def time(self, phase: str) -> Iterator[None]:
        began = time.perf_counter()
        yield
        self.seconds.setdefault(phase, []).append(time.perf_counter() - began)

    def median_ms(self, phase: str) -> float:
        return statistics.median(self.seconds[phase]) * 1000

    def batches_ms(self) -> list[float]:
        return [sum(phases) * 1000 for phases in zip(*self.seconds.values(), strict=True)]


def key_table(keys: np.ndarray) -> pa.Table:
    return pa.table([pa.array(keys)], schema=KEYS)


def value_table(count: int, at: int) -> pa.Table:
    columns = [np.full(count, at), np.full(count, 1.5), np.full(count, at * 1000)]
    return pa.table([pa.array(column) for column in columns], schema=VALUES)


def open_store(path: Path, reference: dict | None = None) -> StateStore:
    return StateStore.open(
        LocalFileSystem(), str(path), key_schema=KEYS, value_schema=VALUES,
        reference=reference, event_time="event_time_us",
    )  # fmt: skip


def fill(store: StateStore, num_keys: int) -> dict:
    reference: dict = {}
    for start in range(0, num_keys, 500_000):
        keys = np.arange(start, min(start + 500_000, num_keys)) * 7919
        store.put(key_table(keys), value_table(len(keys), 0))
        reference = store.commit()
    store.purge([reference])
    return reference


def run_batch(store: StateStore, keys: np.ndarray, watch: Stopwatch, batch: int) -> dict:
    """Read and rewrite the keys, as an aggregation does."""
    table, values = key_table(keys * 7919), value_table(len(keys), batch + 1)
    with watch.time("get"):
        store.get(table)
    with watch.time("put"):
        store.put(table, values)
    with watch.time("commit"):
        reference = store.commit()
    store.purge([reference])
    return reference


def run_batches(
    stores: dict[int, StateStore], batch_rows: int, *, batches: int
) -> tuple[dict[int, Stopwatch], dict[int, dict]]:
    """As many random keys to each store in turn, so that a busy machine hits them alike."""
    random, watches = np.random.default_rng(42), {num_keys: Stopwatch() for num_keys in stores}
    references: dict[int, dict] = {}
    for batch in range(batches):
        for num_keys, store in stores.items():
            keys = random.permutation(min(num_keys, batch_rows))
            if num_keys > batch_rows:  # One key from each stretch: random, distinct, and cheap to draw.
                stretch = num_keys // batch_rows
                keys = keys * stretch + random.integers(0, stretch, batch_rows)
            references[num_keys] = run_batch(store, keys, watches[num_keys], batch)
    return watches, references


def small_batches(path: Path, *, batches: int) -> Stopwatch:
    """Ten keys of a moving window, as a windowed aggregation touches them."""
    watch = Stopwatch()
    store = StateStore.open(
        LocalFileSystem(), str(path), key_schema=WINDOW_KEYS, value_schema=VALUES,
        reference=None, event_time="event_time_us",
    )  # fmt: skip
    references: list[dict] = []
    for batch in range(batches):
        end = batch // 50
        columns = [[f"category {i}" for i in range(10)], [end - 1] * 10, [end] * 10]
        keys = pa.table([pa.array(column) for column in columns], schema=WINDOW_KEYS)
        with watch.time("get"):
            store.get(keys)
        with watch.time("put"):
            store.put(keys, value_table(10, end))
        with watch.time("evict"):
            store.evict((end - 2) * 1000)
        with watch.time("commit"):
            references = [*references, store.commit()][-100:]
        with watch.time("purge"):
            store.purge(references)
    return watch


def synced_write_ms(path: Path) -> float:
    """What the disk itself takes for the file of a small commit."""
    file_system, watch = LocalFileSystem(), Stopwatch()
    for i in range(200):
        with watch.time("write"):
            file_system.write_durable(str(path / f"{i}"), bytes(2_500))
    return watch.median_ms("write")


def resident_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def timed(action: Callable[[], StateStore]) -> tuple[StateStore, float]:
    began = time.perf_counter()
    return action(), time.perf_counter() - began


def report_batches(title: str, runs: dict[int, Stopwatch], console: Console) -> None:
    table = Table(title=title)
    for heading in ("keys in state", "get ms", "put ms", "commit ms", "batch ms (median)", "p99"):
        table.add_column(heading, justify="right")
    for num_keys, watch in runs.items():
        batches = watch.batches_ms()
        phases = [f"{watch.median_ms(phase):.1f}" for phase in ("get", "put", "commit")]
        table.add_row(
            f"{num_keys:,}", *phases, f"{statistics.median(batches):.1f}", f"{np.quantile(batches, 0.99):.1f}"
        )
    console.print(table)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--keys", type=int, default=10_000_000)
    parser.add_argument("--batch", type=int, default=100_000)
    parser.add_argument("--batches", type=int, default=BATCHES)
    parser.add_argument("--folder")
    arguments = parser.parse_args()
    console = Console()
    with tempfile.TemporaryDirectory(dir=arguments.folder) as name:
        folder = Path(name)
        small = small_batches(folder / "small", batches=1000)
        table = Table(title="10 keys a batch, in a window that moves on (median)")
        for phase in small.seconds:
            table.add_column(f"{phase} ms", justify="right")
        table.add_column("the disk's own durable write, ms", justify="right")
        (folder / "raw").mkdir()
        row = [f"{small.median_ms(phase):.3f}" for phase in small.seconds]
        table.add_row(*row, f"{synced_write_ms(folder / 'raw'):.3f}")
        console.print(table)

        stores = {num_keys: open_store(folder / str(num_keys)) for num_keys in (FEW_KEYS, arguments.keys)}
        for num_keys, store in stores.items():
            fill(store, num_keys)
        run_batches(stores, arguments.batch, batches=3)
        watches, references = run_batches(stores, arguments.batch, batches=arguments.batches)
        report_batches(f"{arguments.batch:,} random keys a batch", watches, console)
        few, many = (statistics.median(watch.batches_ms()) for watch in watches.values())
        console.print(f"{arguments.keys:,} keys cost {many / few:.2f} times what {FEW_KEYS:,} keys cost")
        for store in stores.values():
            store.close()
        store, seconds = timed(lambda: open_store(folder / str(arguments.keys), references[arguments.keys]))
        console.print(
            f"reopening {store.num_rows:,} keys: {seconds:.2f} s; heap {store.memory_bytes / 1e6:,.0f} MB, "
            f"peak resident {resident_mb():,.0f} MB"
        )


if __name__ == "__main__":
    main()
