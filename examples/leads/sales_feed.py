"""L10 Seeded sales for sales.py: into a folder, to whoever connects to a socket, or to Kafka.

    python examples/leads/sales_feed.py --total 2000               # leads-data/sales
    python examples/leads/sales_feed.py --port 9999                # serves one reader, in real time
    python examples/leads/sales_feed.py --servers localhost:9092   # topic sales

A sale every half second of its own clock. One in two hundred is a hundred times as dear as it should be.
"""

import argparse
import json
import random
import socket
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

START = datetime(2026, 1, 1, 10, tzinfo=UTC)
INTERVAL = timedelta(seconds=0.5)
TOPIC = "sales"
PRODUCTS = {
    "laptop": ("computers", 900.0),
    "mouse": ("computers", 25.0),
    "novel": ("books", 15.0),
    "atlas": ("books", 40.0),
    "racket": ("sports", 80.0),
    "ball": ("sports", 20.0),
}
TOO_DEAR_SHARE = 1 / 200
CUSTOMERS = 50
LINES_PER_FILE = 200

Sale = dict[str, Any]


def sales(total: int | None, seed: int = 42) -> Iterator[Sale]:
    """One after the other; `total` None is without end."""
    generator = random.Random(seed)
    number = 0
    while total is None or number < total:
        product = generator.choice(tuple(PRODUCTS))
        category, price = PRODUCTS[product]
        factor = 100 if generator.random() < TOO_DEAR_SHARE else 1
        yield {
            "transaction_id": f"t{number}",
            "timestamp": (START + number * INTERVAL).isoformat(timespec="milliseconds"),
            "product": product,
            "category": category,
            "amount": round(price * generator.uniform(0.9, 1.1) * factor, 2),
            "quantity": generator.randint(1, 3),
            "customer_id": f"customer_{generator.randint(1, CUSTOMERS)}",
        }
        number += 1


def to_folder(folder: Path, total: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    lines = [json.dumps(sale) for sale in sales(total)]
    for number, first in enumerate(range(0, total, LINES_PER_FILE)):
        hidden = folder / f".{number:04}.json"
        hidden.write_text("\n".join(lines[first : first + LINES_PER_FILE]) + "\n")
        hidden.rename(folder / f"{number:04}.json")


def to_socket(port: int, total: int | None) -> None:
    with socket.create_server(("127.0.0.1", port)) as server:
        connection, _ = server.accept()
        with connection:
            for sale in sales(total):
                connection.sendall(json.dumps(sale).encode() + b"\n")
                time.sleep(INTERVAL.total_seconds())


def to_kafka(servers: str, total: int) -> None:
    from confluent_kafka import Producer

    producer = Producer({"bootstrap.servers": servers, "acks": "all"})
    for sale in sales(total):
        producer.produce(TOPIC, json.dumps(sale), key=sale["customer_id"])
        producer.poll(0)
    if producer.flush(30):
        raise TimeoutError(f"{servers} did not acknowledge all sales")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--total", type=int, default=2000, help="how many sales (2000)")
    parser.add_argument("--folder", type=Path, default=Path("leads-data/sales"))
    parser.add_argument("--port", type=int, help="serve them on this port of 127.0.0.1")
    parser.add_argument("--servers", help="Kafka's host:port")
    options = parser.parse_args()
    if options.port:
        to_socket(options.port, options.total)
    elif options.servers:
        to_kafka(options.servers, options.total)
    else:
        to_folder(options.folder, options.total)


if __name__ == "__main__":
    main()
