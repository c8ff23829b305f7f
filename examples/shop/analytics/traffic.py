"""The platform's events: seeded users who click, fill carts, buy and log in, and some who cheat.

    python examples/shop/analytics/traffic.py --data shop-data --users 200 --minutes 120

One file per topic and five minutes of the shop's time. Three events in a hundred come up to a minute late,
and one comes twice. `planted()` says who breaks which fraud rule; their neighbours only almost do.
"""

import argparse
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from schema import TOPICS

START_MS = int(datetime(2026, 1, 1, 10, tzinfo=UTC).timestamp() * 1000)
SECOND, MINUTE = 1000, 60_000
REGIONS = ("north", "south", "east", "west")
SEGMENTS = ("new", "regular", "premium")
CAMPAIGNS = ("spring", "radio", "newsletter")
CATEGORIES = ("books", "games", "garden", "music", "sports")
PRODUCTS = 50
SLICE_MS = 5 * MINUTE
LATE_SHARE, LATE_MS_MAX, TWICE_SHARE = 0.03, MINUTE, 0.01
CLOSER = "closer"
"""Comes three hours after everybody else, so that every window and session before is over."""
TOPIC_OF = {"click": "clicks", "add_to_cart": "add_to_cart", "purchase": "compras"}

Event = dict[str, Any]


@dataclass(frozen=True)
class Traffic:
    """How many users and for how long; everything else follows from the seed."""

    users: int = 200
    minutes: int = 120
    seed: int = 42

    def events(self) -> list[Event]:
        """All of them, once each, in the order of their times."""
        generator = random.Random(self.seed)
        found = [
            event
            for number in range(self.users)
            for event in visits(generator, f"user_{number}", self.minutes * MINUTE)
        ]
        found += fraud(self.minutes * MINUTE) + closing(self.minutes * MINUTE)
        found.sort(key=lambda event: (event["ts"], event["user_id"]))
        return [{"event_id": f"e{number}"} | event for number, event in enumerate(found)]

    def slices(self) -> list[dict[str, list[Event]]]:
        """What arrives in each five minutes, by topic: late and repeated events included."""
        generator = random.Random(self.seed + 1)
        arrivals = []
        for event in self.events():
            late = generator.random() < LATE_SHARE
            arrivals.append((event["ts"] + late * generator.randrange(LATE_MS_MAX), event))
            if generator.random() < TWICE_SHARE:
                arrivals.append((event["ts"] + generator.randrange(LATE_MS_MAX), event))
        arrivals.sort(key=lambda arrival: arrival[0])
        slices: dict[int, dict[str, list[Event]]] = {}
        for at, event in arrivals:
            topics = slices.setdefault((at - START_MS) // SLICE_MS, {topic: [] for topic in TOPICS})
            topics[TOPIC_OF.get(event["event_type"], "logins")].append(event)
        return [slices[number] for number in sorted(slices)]

    def halves(self) -> tuple[list[dict[str, list[Event]]], list[dict[str, list[Event]]]]:
        slices = self.slices()
        middle = len(slices) // 2
        return slices[:middle], slices[middle:]

    def categories(self) -> dict[str, int]:
        """Events by category; the catalogue changes between the halves, and what came first counts."""
        found: dict[str, int] = {}
        seen: set[str] = set()
        for version, half in enumerate(self.halves()):
            category_of = {product: category for product, _, category, *_ in catalogue(version)}
            for event in (event for topics in half for events in topics.values() for event in events):
                if event["product_id"] and event["event_id"] not in seen:
                    category = category_of[event["product_id"]]
                    found[category] = found.get(category, 0) + 1
                    seen.add(event["event_id"])
        return found


def visits(generator: random.Random, user: str, length_ms: int) -> Iterator[Event]:
    """A user's sessions, ten minutes or more apart."""
    now = START_MS + generator.randrange(length_ms)
    while now < START_MS + length_ms:
        session = list(one_visit(generator, user, now))
        yield from session
        now = session[-1]["ts"] + generator.randrange(10 * MINUTE, 60 * MINUTE)


def one_visit(generator: random.Random, user: str, now: int) -> Iterator[Event]:
    """Clicks on products; some end in the cart, and some of those are bought."""
    campaign = generator.choice(CAMPAIGNS) if generator.random() < 0.6 else None
    yield made(user, "click", now, page="home", campaign=campaign)
    for _ in range(generator.randint(1, 4)):
        now += generator.randrange(5 * SECOND, 90 * SECOND)
        product = f"product_{generator.randrange(PRODUCTS)}"
        yield made(user, "click", now, page="product", product_id=product)
        if generator.random() < 0.4:
            now += generator.randrange(5 * SECOND, 60 * SECOND)
            yield made(user, "add_to_cart", now, page="product", product_id=product)
            if generator.random() < 0.5:
                now += generator.randrange(20 * SECOND, 120 * SECOND)
                yield bought(user, now, product, price_of(product), generator.choice((0.0, 0.0, 5.0)))
                return


def made(user: str, event_type: str, ts: int, **fields: Any) -> Event:
    empty = {"page": None, "product_id": None, "amount": 0.0, "discount": 0.0, "campaign": None}
    return {"user_id": user, "event_type": event_type, **empty, "region": region_of(user), "ts": ts, **fields}


def bought(user: str, ts: int, product: str, amount: float, discount: float = 0.0) -> Event:
    return made(user, "purchase", ts, page="pay", product_id=product, amount=amount, discount=discount)


def region_of(user: str) -> str:
    return REGIONS[sum(user.encode()) % len(REGIONS)]


def price_of(product: str) -> float:
    return round(10 + 7.37 * int(product.removeprefix("product_")), 2)


# -- who cheats, and who almost does -----------------------------------------------------------------------


def planted() -> set[tuple[str, str]]:
    """(user, rule) of everybody who breaks a rule."""
    return {
        ("fast", "rapid"),
        ("rich", "large"),
        ("thief", "stolen"),
        ("greedy", "rapid"),
        ("greedy", "large"),
    }


def fraud(length_ms: int) -> list[Event]:
    middle = START_MS + length_ms // 2

    def buys(user: str, seconds: tuple[int, ...], amount: float) -> list[Event]:
        return [bought(user, middle + second * SECOND, "product_1", amount) for second in seconds]

    def fails(user: str, seconds: tuple[int, ...]) -> list[Event]:
        return [made(user, "login_failed", middle + second * SECOND, page="login") for second in seconds]

    return [
        *buys("fast", (0, 60, 120, 299), 20.0),
        *buys("almost_fast", (0, 60, 120, 300), 20.0),
        *buys("rich", (0, 100, 200), 600.0),
        *buys("almost_rich", (0, 100, 200), 500.0),
        *buys("greedy", (0, 10, 20, 30), 999.0),
        *(fails("thief", (0, 30, 60)) + buys("thief", (120,), 50.0)),
        *(fails("forgetful", (0, 30, 60)) + buys("forgetful", (400,), 50.0)),
        *(fails("clumsy", (0, 30)) + buys("clumsy", (60,), 50.0)),
    ]


def closing(length_ms: int) -> list[Event]:
    """One event for each topic."""
    late = START_MS + length_ms + 180 * MINUTE
    return [
        made(CLOSER, "click", late, page="home", campaign=CAMPAIGNS[0]),
        made(CLOSER, "login_ok", late, page="login"),
        made(CLOSER, "add_to_cart", late, page="product", product_id="product_0"),
        bought(CLOSER, late, "product_0", price_of("product_0")),
    ]


# -- the catalogue and the customers -----------------------------------------------------------------------


def catalogue(version: int) -> list[tuple[str, str, str, float, int]]:
    """The products; in version 1, the games are toys."""
    rows = []
    for number in range(PRODUCTS):
        product = f"product_{number}"
        category = CATEGORIES[number % len(CATEGORIES)]
        if version and category == "games":
            category = "toys"
        rows.append((product, f"Product {number}", category, price_of(product), number % 7))
    return rows


def customer_changes(traffic: Traffic) -> list[tuple[str, str, str, str, int]]:
    """Everybody's first entry, and a promotion of every tenth halfway."""
    users = sorted({event["user_id"] for event in traffic.events()})
    halfway = START_MS + traffic.minutes * MINUTE // 2
    changes = []
    for number, user in enumerate(users):
        first = SEGMENTS[number % 2]
        changes.append((user, user.title(), f"{user}@example.com", first, START_MS - MINUTE))
        if number % 10 == 0:
            changes.append((user, user.title(), f"{user}@example.com", "premium", halfway))
    return changes


# -- delivery ----------------------------------------------------------------------------------------------


def to_folder(landing: Path, slices: list[dict[str, list[Event]]], first: int = 0) -> None:
    """A file per topic and slice, numbered from `first`, with times in that order."""
    for number, topics in enumerate(slices, first):
        for topic, events in topics.items():
            folder = landing / topic
            folder.mkdir(parents=True, exist_ok=True)
            hidden = folder / f".{number:05}.json"
            hidden.write_text("".join(f"{json.dumps(event)}\n" for event in events))
            hidden.rename(folder / f"{number:05}.json")


def to_kafka(servers: str, slices: list[dict[str, list[Event]]]) -> None:
    from confluent_kafka import Producer

    producer = Producer({"bootstrap.servers": servers, "acks": "all"})
    for topics in slices:
        for topic, events in topics.items():
            for event in events:
                producer.produce(topic, json.dumps(event), key=event["user_id"])
        if producer.flush(60):
            raise TimeoutError(f"{servers} did not acknowledge all events")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("shop-data"))
    parser.add_argument("--servers", help="Kafka's host:port instead of files")
    parser.add_argument("--users", type=int, default=200)
    parser.add_argument("--minutes", type=int, default=120)
    parser.add_argument("--seed", type=int, default=42)
    options = parser.parse_args()
    slices = Traffic(options.users, options.minutes, options.seed).slices()
    if options.servers:
        to_kafka(options.servers, slices)
    else:
        to_folder(options.data / "landing", slices)


if __name__ == "__main__":
    main()
