"""Sends clicks at a steady rate, each with the moment it was made: `kafka_pace.py SERVERS RATE SECONDS`."""

import sys
import time

from confluent_kafka import Producer

STEP_S = 0.005
PARTITIONS = 6


def main(servers: str, rate: str, seconds: str) -> None:
    producer = Producer(
        {"bootstrap.servers": servers, "linger.ms": 0, "queue.buffering.max.messages": 1_000_000}
    )
    started, sent = time.perf_counter(), 0
    while (passed := time.perf_counter() - started) < float(seconds):
        due = int(passed * int(rate))
        now_ms = time.time_ns() // 1_000_000
        for number in range(sent, due):
            producer.produce("paced", f'{{"at":{now_ms}}}', partition=number % PARTITIONS)
        sent = max(sent, due)
        producer.poll(0)
        time.sleep(STEP_S)
    producer.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
