"""Which rows a join may forget, told by its condition and the watermark: all in milliseconds."""

import pytest
from pyspark.sql.connect.proto import Relation

from cauce.plan.sql import parse_expression
from cauce.streaming.planner.join_constraints import JoinSide
from cauce.streaming.planner.state_watermark import least_watermark_ms, state_bounds

LEFT = JoinSide(Relation(), ("l", "n", "x"), {"l"})
RIGHT = JoinSide(Relation(), ("r", "m"), {"r"})
HOUR_MS = 3_600_000


def state_watermark(condition: str, side: JoinSide, by: JoinSide, input_ms: int) -> int | None:
    return least_watermark_ms(state_bounds([parse_expression(condition)], side, by), input_ms)


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("l > r - INTERVAL 10 SECONDS", 10_000),
        ("l >= r - INTERVAL 10 SECONDS", 9_999),
        ("r < l + INTERVAL 10 SECONDS", 10_000),
        ("l + INTERVAL 1 SECOND > r + INTERVAL 3 SECONDS", 22_000),
        ("l BETWEEN r - INTERVAL 10 SECONDS AND r + INTERVAL 1 HOUR", 9_999),
        ("l > r AND l > r - INTERVAL 5 SECONDS", 15_000),
        ("CAST(l AS LONG) > CAST(r AS LONG) - 5", 15_000),
        ("-r + l > INTERVAL 2 SECONDS", 22_000),
        ("l > r - INTERVAL '1 02:00:00' DAY TO SECOND", 20_000 - 26 * HOUR_MS),
    ],
)
def test_a_lower_bound_of_the_left_time_lets_left_rows_go(condition, expected):
    assert state_watermark(condition, LEFT, RIGHT, 20_000) == expected


@pytest.mark.parametrize(
    "condition",
    [
        "l < r + INTERVAL 10 SECONDS",
        "l = r",
        "l > r - INTERVAL 1 MONTH",
        "l > m",
        "l + l > r",
        "date_trunc('day', l) > r",
        "n > 0",
        "l > r - INTERVAL 1 SECOND OR n > 0",
    ],
)
def test_anything_else_says_nothing_about_left_rows(condition):
    assert state_watermark(condition, LEFT, RIGHT, 20_000) is None


def test_each_side_is_bounded_by_the_other():
    condition = "r >= l AND r <= l + INTERVAL 1 HOUR"
    assert state_watermark(condition, RIGHT, LEFT, 2 * HOUR_MS) == 2 * HOUR_MS - 1
    assert state_watermark(condition, LEFT, RIGHT, 2 * HOUR_MS) == HOUR_MS - 1


def test_an_hour_before_a_watermark_of_one_hour_and_twenty_seconds():
    condition = "l BETWEEN r - INTERVAL 1 HOUR AND r + INTERVAL 1 HOUR"
    assert state_watermark(condition, LEFT, RIGHT, HOUR_MS + 20_000) == 19_999


def test_a_side_without_watermark_bounds_nothing():
    unwatermarked = JoinSide(Relation(), ("r",), ())
    assert state_watermark("l > r", LEFT, unwatermarked, 20_000) is None
