"""Drops the shop's events as JSON-lines files into a folder: seeded, resumable, some late, some repeated.

Event number i happens i seconds after START, so the shop's clock runs RATE times as fast as ours.
The events themselves are one fixed sequence (the platform's reference generator, seed 42). Their
delivery is not tidy: some arrive up to DELAY_MAX seconds of shop time late, and some arrive twice.
"""

import argparse
import heapq
import json
import os
import signal
import time
from bisect import bisect_right
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import FrameType

import numpy as np

START = datetime(2026, 1, 1, tzinfo=UTC)
SEED = 42
EVENT_TYPES = ("view", "add_to_cart", "purchase", "remove")
CUMULATIVE_SHARES = (0.5, 0.75, 0.9, 1.0)
PRODUCT_NAMES = ("Laptop", "Mouse", "Keyboard", "Monitor", "Headphones")
CATEGORIES = ("Electronics", "Accessories", "Computers")

LATE_SHARE = 0.02
REPEATED_SHARE = 0.01
DELAY_MAX = 300
"""How many seconds of shop time, and so how many events, a delivery may lag behind."""
FILES_PER_SECOND = 5

Delivery = tuple[int, int, str]
"""When it is due (the number of the event then created), a tie-breaker, and the JSON line."""


class EventGenerator:
    """An endless sequence of deliveries whose position can be saved as JSON and restored."""

    def __init__(self) -> None:
        self.next_event = 0
        self.pending: list[Delivery] = []
        self._events = np.random.RandomState(SEED)
        # Delivery has a stream of its own, so that the events stay the reference sequence.
        self._delivery = np.random.RandomState(SEED + 1)

    def lines(self, count: int) -> list[str]:
        """Create `count` more events; the JSON lines that are due by then, in order of delivery."""
        for _ in range(count):
            number = self.next_event
            line = json.dumps(self.event(number))
            late, lag, repeated, lag_of_repeat = self._delivery.random_sample(4).tolist()
            self._deliver(number + (self._delay(lag) if late < LATE_SHARE else 0), number, line)
            if repeated < REPEATED_SHARE:
                self._deliver(number + self._delay(lag_of_repeat), number, line)
            self.next_event += 1
        due = []
        while self.pending and self.pending[0][0] < self.next_event:
            due.append(heapq.heappop(self.pending)[2])
        return due

    def state(self) -> dict:
        return {
            "next_event": self.next_event,
            "pending": self.pending,
            "random": [_state_of(self._events), _state_of(self._delivery)],
        }

    def restore(self, state: dict) -> None:
        self.next_event = state["next_event"]
        self.pending = [(due, number, line) for due, number, line in state["pending"]]
        for random, saved in zip((self._events, self._delivery), state["random"], strict=True):
            random.set_state(("MT19937", np.array(saved["keys"], dtype=np.uint32), saved["position"]))

    def event(self, number: int) -> dict:
        """The draws and their order are the reference generator's."""
        random = self._events
        user = random.randint(1, 101)
        event_type = EVENT_TYPES[bisect_right(CUMULATIVE_SHARES, random.random_sample())]
        return {
            "event_id": f"event_{number}",
            "timestamp": (START + timedelta(seconds=number)).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "user_id": f"user_{user}",
            "event_type": event_type,
            "product_id": f"product_{random.randint(1, 51)}",
            "product_name": PRODUCT_NAMES[random.randint(0, 5)],
            "category": CATEGORIES[random.randint(0, 3)],
            "price": round(random.uniform(10, 2000), 2),
            "quantity": int(random.randint(1, 5)),
        }

    def _deliver(self, due: int, number: int, line: str) -> None:
        heapq.heappush(self.pending, (due, number, line))

    @staticmethod
    def _delay(sample: float) -> int:
        return 1 + int(sample * DELAY_MAX)


def _state_of(random: np.random.RandomState) -> dict:
    _, keys, position, *_ = random.get_state(legacy=True)
    return {"keys": [int(key) for key in keys], "position": int(position)}


class EventFolder:
    """Writes files that appear whole, and remembers how far it got.

    Order of a drop: the file under a hidden name, then the state, then the visible name. A crash
    between the last two is finished by the next start, so no event is lost or written twice.
    """

    def __init__(self, folder: Path, state_path: Path) -> None:
        self.folder = folder
        self.generator = EventGenerator()
        self.next_file = 0
        self._state_path = state_path
        folder.mkdir(parents=True, exist_ok=True)
        if state_path.exists():
            state = json.loads(state_path.read_text())
            self.generator.restore(state["generator"])
            self.next_file = state["next_file"]
            self._finish_last_drop()

    def drop(self, event_count: int) -> int:
        """Create events and drop what is due as one file; how many lines it has."""
        lines = self.generator.lines(event_count)
        hidden, visible = self._paths(self.next_file)
        hidden.write_text("".join(line + "\n" for line in lines))
        self.next_file += 1
        self._save_state()
        os.replace(hidden, visible)
        return len(lines)

    def _paths(self, number: int) -> tuple[Path, Path]:
        name = f"events-{number:08d}.json"
        return self.folder / f".{name}.tmp", self.folder / name

    def _finish_last_drop(self) -> None:
        hidden, visible = self._paths(self.next_file - 1)
        if hidden.exists():
            os.replace(hidden, visible)

    def _save_state(self) -> None:
        temporary = self._state_path.with_suffix(".tmp")
        temporary.write_text(json.dumps({"next_file": self.next_file, "generator": self.generator.state()}))
        os.replace(temporary, self._state_path)


def ticks(seconds: float) -> Iterator[float]:
    """The share of a second to produce each time, FILES_PER_SECOND times a second on average."""
    started = produced = time.monotonic()
    while produced < started + seconds:
        now = min(max(time.monotonic(), produced + 1 / FILES_PER_SECOND), started + seconds)
        time.sleep(max(0.0, now - time.monotonic()))
        yield now - produced
        produced = now


def generate(folder: EventFolder, rate: int, seconds: float) -> int:
    """Drop `rate` events a second; how many events were created. Ctrl-C and SIGTERM end it between files."""
    stopped = False

    def stop(number: int, frame: FrameType | None) -> None:
        nonlocal stopped
        stopped = True

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
    first, owed = folder.generator.next_event, 0.0
    for share in ticks(seconds):
        if stopped:
            break
        owed += share * rate
        folder.drop(int(owed))
        owed -= int(owed)
    return folder.generator.next_event - first


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("demo-data"), help="the shop's folder (demo-data)")
    parser.add_argument("--rate", type=int, default=1000, help="events a second (1000)")
    parser.add_argument("--seconds", type=float, default=20, help="how long (20)")
    options = parser.parse_args()
    folder = EventFolder(options.data / "landing", options.data / "generator.json")
    print(f"{generate(folder, options.rate, options.seconds)} events created")


if __name__ == "__main__":
    main()
