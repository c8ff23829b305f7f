"""L9 The producer: leads as they come in, to the topic `leads-events` or into a folder of JSON files.

    python examples/leads/events.py --total 500                        # into leads-data/events
    python examples/leads/events.py --servers localhost:9092           # to Kafka, until Ctrl-C
    python examples/leads/events.py --total 500 --start 2026-01-01T10:00:00   # at once, with made-up times

Five a second; in one second of ten it is fifty. The leads are those of generator.py, without the label.
"""

import argparse
import itertools
import json
import random
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from generator import SEED, leads

TOPIC = "leads-events"
SOURCES = ("web", "mobile", "email", "partner")
BURST_SHARE, BURST_FACTOR = 0.1, 10
LEADS_MAX = 10_000_000

Event = dict[str, Any]
Send = Callable[[list[Event]], None]


def seconds_of_events(rate: int, seed: int = SEED) -> Iterator[list[Event]]:
    """The events of one second after the other, without their times."""
    generator = random.Random(seed)
    known = leads(LEADS_MAX, seed)
    while True:
        count = rate * (BURST_FACTOR if generator.random() < BURST_SHARE else 1)
        yield [event(lead, generator) for lead in itertools.islice(known, count)]


def event(lead: tuple, generator: random.Random) -> Event:
    number, age, salary, visits, action, _ = lead
    return {
        "lead_id": f"lead_{number}",
        "timestamp": "",
        "age": age,
        "salary": salary,
        "web_visits": visits,
        "last_action": action,
        "source": generator.choice(SOURCES),
    }


def stamped(events: list[Event], second: datetime) -> list[Event]:
    """Evenly spread over their second, to the microsecond."""
    step = timedelta(seconds=1) / max(1, len(events))
    return [
        each | {"timestamp": (second + at * step).isoformat(timespec="microseconds")}
        for at, each in enumerate(events)
    ]


def produce(send: Send, *, rate: int, total: int | None, start: datetime | None, seed: int = SEED) -> int:
    """Send until there are `total`; in real time unless the times are made up. How many were sent."""
    sent = 0
    for number, events in enumerate(seconds_of_events(rate, seed)):
        events = events[: None if total is None else total - sent]
        second = start + timedelta(seconds=number) if start else datetime.now(UTC)
        send(stamped(events, second))
        sent += len(events)
        if total is not None and sent >= total:
            break
        if start is None:
            time.sleep(1)
    return sent


def to_folder(folder: Path) -> Send:
    """One file a second; it appears whole."""
    folder.mkdir(parents=True, exist_ok=True)

    def send(events: list[Event]) -> None:
        number = len(list(folder.glob("*.json")))
        hidden = folder / f".{number:06}.json"
        hidden.write_text("".join(f"{json.dumps(each)}\n" for each in events))
        hidden.rename(folder / f"{number:06}.json")

    return send


def to_kafka(servers: str, topic: str) -> Send:
    """A record per lead, keyed by it, acknowledged by all replicas."""
    from confluent_kafka import Producer

    producer = Producer({"bootstrap.servers": servers, "acks": "all"})

    def send(events: list[Event]) -> None:
        for each in events:
            producer.produce(topic, json.dumps(each), key=each["lead_id"])
        if producer.flush(30):
            raise TimeoutError(f"{servers} did not acknowledge all records of {topic}")

    return send


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rate", type=int, default=5, help="events a second outside bursts (5)")
    parser.add_argument("--total", type=int, help="how many (until Ctrl-C)")
    parser.add_argument("--servers", help="Kafka's host:port; without it, files")
    parser.add_argument("--topic", default=TOPIC, help=f"({TOPIC})")
    parser.add_argument("--folder", type=Path, default=Path("leads-data/events"))
    parser.add_argument("--start", type=datetime.fromisoformat, help="made-up times, all at once")
    options = parser.parse_args()
    send = to_kafka(options.servers, options.topic) if options.servers else to_folder(options.folder)
    start = options.start and options.start.replace(tzinfo=options.start.tzinfo or UTC)
    print(f"{produce(send, rate=options.rate, total=options.total, start=start)} events sent")


if __name__ == "__main__":
    main()
