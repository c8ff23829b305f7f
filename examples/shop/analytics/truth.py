"""The right answers, from the generator's events in plain Python: what streams and batches are held to.

Money is in cents. Nothing of Spark is used here, so an error of an engine cannot hide.
"""

from collections import defaultdict
from datetime import UTC, datetime
from itertools import pairwise

from traffic import CLOSER, MINUTE, Event

WITHIN_MS = 5 * MINUTE
ATTRIBUTION_MS = 30 * MINUTE
Key = tuple[str, ...]


def cents(event: Event) -> int:
    return round(100 * event["amount"]) - round(100 * event["discount"])


def moment(ts: int) -> str:
    return f"{datetime.fromtimestamp(ts / 1000, UTC):%Y-%m-%d %H:%M:%S}"


def minute_metrics(events: list[Event]) -> dict[Key, tuple]:
    """(minute, region) -> clicks, carts, purchases, cents, users."""
    groups: dict[Key, list[Event]] = defaultdict(list)
    for event in events:
        groups[moment(event["ts"] // MINUTE * MINUTE), event["region"]].append(event)
    return {
        key: (*counts(group), total(group), len({event["user_id"] for event in group}))
        for key, group in groups.items()
    }


def counts(group: list[Event]) -> tuple[int, ...]:
    kinds = [event["event_type"] for event in group]
    return tuple(kinds.count(kind) for kind in ("click", "add_to_cart", "purchase"))


def total(group: list[Event]) -> int:
    return sum(cents(event) for event in group if event["event_type"] == "purchase")


def sessions(events: list[Event]) -> dict[Key, tuple]:
    """(user, first moment) -> events, cents, bought; without the one that is still open."""
    found = {}
    for user, mine in by_user(events).items():
        breaks = [at for at, (a, b) in enumerate(pairwise(mine), 1) if b["ts"] - a["ts"] > WITHIN_MS]
        for first, last in pairwise([0, *breaks, len(mine)]):
            group = mine[first:last]
            bought = any(event["event_type"] == "purchase" for event in group)
            found[user, moment(group[0]["ts"])] = (len(group), total(group), bought)
    return found


def attribution(events: list[Event]) -> dict[Key, tuple]:
    """(campaign,) -> purchases, cents, by the last click with a campaign in the half hour before."""
    found: dict[Key, list[int]] = defaultdict(list)
    for mine in by_user(events).values():
        for purchase in (event for event in mine if event["event_type"] == "purchase"):
            clicks = [
                event["campaign"]
                for event in mine
                if event["campaign"] and 0 <= purchase["ts"] - event["ts"] <= ATTRIBUTION_MS
            ]
            found[(clicks[-1] if clicks else "direct",)].append(cents(purchase))
    return {campaign: (len(amounts), sum(amounts)) for campaign, amounts in found.items()}


def frauds(events: list[Event]) -> dict[Key, tuple]:
    """(user, rule) of every rule broken."""
    found: dict[Key, tuple] = {}
    for user, mine in by_user(events).items():
        for purchase in (event for event in mine if event["event_type"] == "purchase"):
            recent = [event for event in mine if 0 <= purchase["ts"] - event["ts"] < WITHIN_MS]
            bought = [event["amount"] for event in recent if event["event_type"] == "purchase"]
            failed = [event for event in recent if event["event_type"] == "login_failed"]
            found |= {(user, "rapid"): ()} if len(bought) > 3 else {}
            found |= {(user, "large"): ()} if len([a for a in bought if a > 500]) >= 3 else {}
            found |= {(user, "stolen"): ()} if len(failed) >= 3 else {}
    return found


def funnel(events: list[Event]) -> dict[Key, tuple]:
    """(product,) -> users who looked, who then put it into the cart, and who then bought it."""
    steps = ("click", "add_to_cart", "purchase")
    reached: dict[str, list[set[str]]] = defaultdict(lambda: [set(), set(), set()])
    for user, mine in by_user(events).items():
        for event in (event for event in mine if event["product_id"]):
            users = reached[event["product_id"]]
            step = steps.index(event["event_type"])
            if step == 0 or user in users[step - 1]:
                users[step].add(user)
    return {(product,): tuple(map(len, users)) for product, users in reached.items() if users[0]}


def daily(events: list[Event], changes: list[tuple]) -> dict[Key, tuple]:
    """(day, region, segment) -> sales, cents; the segment is the one the customer had at the time."""
    groups: dict[Key, list[Event]] = defaultdict(list)
    for event in (event for event in events if event["event_type"] == "purchase"):
        segments = [each for each in changes if each[0] == event["user_id"] and each[-1] <= event["ts"]]
        segment = max(segments, key=lambda change: change[-1])[3]
        groups[moment(event["ts"])[:10], event["region"], segment].append(event)
    return {key: (len(group), total(group)) for key, group in groups.items()}


def by_user(events: list[Event]) -> dict[str, list[Event]]:
    """Everybody's events in order, but not of the one who closes the shop."""
    found: dict[str, list[Event]] = defaultdict(list)
    for event in sorted(events, key=lambda event: event["ts"]):
        if event["user_id"] != CLOSER:
            found[event["user_id"]].append(event)
    return found
