"""The shop's generator: the reference events, delivered late and twice, and never lost by a crash."""

import json
import os
from collections import Counter
from pathlib import Path

import pytest
from generator import DELAY_MAX, EventFolder, EventGenerator


def reference_events(count: int) -> list[dict]:
    generator = EventGenerator()
    return [generator.event(number) for number in range(count)]


def test_the_first_1000_events_are_those_of_the_reference_generator() -> None:
    events = reference_events(1000)
    sold = [event for event in events if event["event_type"] == "purchase"]
    revenue: Counter[str] = Counter()
    for event in sold:
        revenue[event["category"]] += event["price"] * event["quantity"]

    types = Counter(event["event_type"] for event in events)
    assert types == {"view": 481, "add_to_cart": 257, "purchase": 161, "remove": 101}
    assert {category: round(amount, 2) for category, amount in revenue.items()} == {
        "Electronics": 158_917.62,
        "Computers": 117_024.44,
        "Accessories": 89_701.40,
    }
    assert Counter(event["category"] for event in sold) == {
        "Electronics": 61,
        "Computers": 54,
        "Accessories": 46,
    }
    assert Counter(event["user_id"] for event in events).most_common(1) == [("user_60", 23)]
    viewed = Counter(event["product_name"] for event in events if event["event_type"] == "view")
    bought = Counter(event["product_name"] for event in sold)
    assert {name: round(100 * bought[name] / viewed[name], 2) for name in viewed} == {
        "Headphones": 44.94,
        "Monitor": 36.67,
        "Mouse": 34.88,
        "Keyboard": 31.63,
        "Laptop": 22.88,
    }


def test_some_events_come_late_and_some_twice_but_none_later_than_promised() -> None:
    lines = EventGenerator().lines(20_000)
    numbers = [int(json.loads(line)["event_id"].removeprefix("event_")) for line in lines]
    newest = 0
    lags = []
    for number in numbers:
        newest = max(newest, number)
        lags.append(newest - number)
    repeats = len(numbers) - len(set(numbers))
    assert 0 < max(lags) <= DELAY_MAX
    assert 0.02 < sum(lag > 0 for lag in lags) / len(lags) < 0.04
    assert 0.005 < repeats / len(numbers) < 0.015


def landed(folder: Path) -> list[str]:
    return [line for path in sorted(folder.glob("*.json")) for line in path.read_text().splitlines()]


def test_a_run_in_pieces_delivers_what_one_run_delivers(tmp_path: Path) -> None:
    whole = EventFolder(tmp_path / "whole", tmp_path / "whole.json")
    whole.drop(3000)
    for _ in range(6):
        EventFolder(tmp_path / "pieces", tmp_path / "pieces.json").drop(500)
    assert landed(tmp_path / "pieces") == landed(tmp_path / "whole")


@pytest.mark.parametrize("crash_at", [1, 2])
def test_a_crash_between_two_renames_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, crash_at: int
) -> None:
    """The renames of a drop: the state's, then the file's."""
    replace, calls = os.replace, []

    def crash(source: Path, target: Path) -> None:
        calls.append(target)
        if len(calls) == crash_at:
            raise KeyboardInterrupt
        replace(source, target)

    EventFolder(tmp_path / "in", tmp_path / "state.json").drop(500)
    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", crash)
        with pytest.raises(KeyboardInterrupt):
            EventFolder(tmp_path / "in", tmp_path / "state.json").drop(500)
    after = EventFolder(tmp_path / "in", tmp_path / "state.json")
    after.drop(1500 - after.generator.next_event)

    whole = EventFolder(tmp_path / "whole", tmp_path / "whole.json")
    whole.drop(1500)
    assert landed(tmp_path / "in") == landed(tmp_path / "whole")
