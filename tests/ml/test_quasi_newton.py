"""The searches end where the function is least."""

import numpy as np
import pytest

from cauce.ml.quasi_newton import minimize, minimize_with_lasso

CENTRE = np.array([3.0, -2.0, 0.5])
WIDTHS = np.array([1.0, 10.0, 100.0])


def bowl(x: np.ndarray) -> tuple[float, np.ndarray]:
    off = x - CENTRE
    return 0.5 * float(WIDTHS @ off**2), WIDTHS * off


def test_a_bowl_has_its_minimum_at_the_centre() -> None:
    found = minimize(bowl, np.zeros(3), 100, 1e-12)
    assert found.x == pytest.approx(CENTRE, abs=1e-6)
    assert found.history[0] == bowl(np.zeros(3))[0]
    assert found.history == sorted(found.history, reverse=True)


def test_a_lasso_shrinks_every_coordinate_and_makes_small_ones_zero() -> None:
    found = minimize_with_lasso(bowl, np.array([1.0, 10.0, 60.0]), np.zeros(3), 200, 1e-12)
    assert found.x == pytest.approx([2.0, -1.0, 0.0], abs=1e-6)
    assert found.x[2] == 0.0


def test_a_search_stops_after_the_iterations_it_may_take() -> None:
    assert len(minimize(bowl, np.zeros(3), 2, 1e-12).history) == 3
    assert len(minimize(bowl, np.zeros(3), 0, 1e-12).history) == 1
