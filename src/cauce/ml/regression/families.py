"""The distributions and links of generalised linear models, as functions of arrays.

https://github.com/apache/spark/blob/v4.2.0/mllib/src/main/scala/org/apache/spark/ml/regression/GeneralizedLinearRegression.scala
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import special, stats

from cauce.errors import UnsupportedOperationException
from cauce.ml.columns import java_double, require
from cauce.ml.params import Params

__all__ = ["GAUSSIAN", "IDENTITY", "LINKS", "Family", "FamilyAndLink", "Link", "family_and_link"]

EPSILON = 1e-16
DELTA = 0.1
GREATEST = np.finfo(np.float64).max
Function = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Link:
    """From a mean to the linear predictor, its derivative, and back."""

    name: str
    link: Function
    derivative: Function
    unlink: Function


@dataclass(frozen=True)
class Family:
    """A distribution: `start(y, weight)` is the first guess of the mean."""

    name: str
    default_link: Link
    start: Callable[[np.ndarray, np.ndarray], np.ndarray]
    variance: Function
    deviance: Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]
    aic: Callable[[np.ndarray, np.ndarray, np.ndarray, float], float]
    project: Function

    @property
    def has_dispersion(self) -> bool:
        """Whether the dispersion is estimated, not 1."""
        return self.name not in ("binomial", "poisson")


@dataclass(frozen=True)
class FamilyAndLink:
    family: Family
    link: Link

    def fitted(self, eta: np.ndarray) -> np.ndarray:
        """The mean for a linear predictor."""
        with np.errstate(all="ignore"):
            return self.family.project(self.link.unlink(eta))

    def first_guess(self, labels: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """The linear predictor to begin with."""
        return self.link.link(self.family.project(self.family.start(labels, weights)))

    def working(
        self, labels: np.ndarray, weights: np.ndarray, eta: np.ndarray, offsets: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """The labels and weights of the next least squares."""
        mean = self.fitted(eta)
        slope = self.link.derivative(mean)
        return eta - offsets + (labels - mean) * slope, weights / (slope**2 * self.family.variance(mean))


def family_and_link(params: Params) -> FamilyAndLink:
    """What the parameters say; the family's own link unless one is set."""
    name = params["family"].lower()
    family = _tweedie_or_kin(params["variancePower"]) if name == "tweedie" else FAMILIES[name]
    if name == "tweedie" and params.is_set("linkPower"):
        return FamilyAndLink(family, _power(params["linkPower"]))
    if name != "tweedie" and params.is_set("link"):
        return FamilyAndLink(family, LINKS[params["link"].lower()])
    return FamilyAndLink(family, family.default_link)


def _power(power: float) -> Link:
    if power in POWERS:
        return POWERS[power]
    return Link(
        "power",
        lambda mean: mean**power,
        lambda mean: power * mean ** (power - 1.0),
        lambda eta: eta ** (1.0 / power),
    )


IDENTITY = Link("identity", lambda mean: mean, np.ones_like, lambda eta: eta)
LOG = Link("log", np.log, lambda mean: 1.0 / mean, np.exp)
INVERSE = Link("inverse", lambda mean: 1.0 / mean, lambda mean: -(mean**-2.0), lambda eta: 1.0 / eta)
SQRT = Link("sqrt", np.sqrt, lambda mean: 1.0 / (2.0 * np.sqrt(mean)), lambda eta: eta * eta)
LOGIT = Link("logit", special.logit, lambda mean: 1.0 / (mean * (1.0 - mean)), special.expit)
PROBIT = Link("probit", special.ndtri, lambda mean: 1.0 / stats.norm.pdf(special.ndtri(mean)), special.ndtr)
CLOGLOG = Link(
    "cloglog",
    lambda mean: np.log(-np.log1p(-mean)),
    lambda mean: 1.0 / ((mean - 1.0) * np.log1p(-mean)),
    lambda eta: 1.0 - np.exp(-np.exp(eta)),
)
LINKS = {link.name: link for link in (IDENTITY, LOG, INVERSE, SQRT, LOGIT, PROBIT, CLOGLOG)}
POWERS = {0.0: LOG, 1.0: IDENTITY, -1.0: INVERSE, 0.5: SQRT}


def _no_aic(labels: np.ndarray, means: np.ndarray, weights: np.ndarray, deviance: float) -> float:
    raise UnsupportedOperationException(None, "No AIC available for the tweedie family")


def _positive(mean: np.ndarray) -> np.ndarray:
    return np.where(mean < EPSILON, EPSILON, np.where(np.isinf(mean), GREATEST, mean))


def _ylogy(y: np.ndarray, mean: np.ndarray) -> np.ndarray:
    return np.where(y == 0, 0.0, y * np.log(np.where(y == 0, 1.0, y / mean)))


def _gaussian_aic(labels: np.ndarray, means: np.ndarray, weights: np.ndarray, deviance: float) -> float:
    rows = len(labels)
    return float(rows * (np.log(deviance / rows * 2.0 * np.pi) + 1.0) + 2.0 - np.log(weights).sum())


GAUSSIAN = Family(
    "gaussian",
    IDENTITY,
    lambda y, weight: y,
    np.ones_like,
    lambda y, mean, weight: weight * (y - mean) ** 2,
    _gaussian_aic,
    lambda mean: np.clip(mean, -GREATEST, GREATEST),
)


def _binomial_start(y: np.ndarray, weight: np.ndarray) -> np.ndarray:
    mean = (weight * y + 0.5) / (weight + 1.0)
    _in_range(
        (mean > 0.0) & (mean < 1.0), mean, "The response variable of Binomial familyshould be in range (0, 1)"
    )
    return mean


def _binomial_aic(labels: np.ndarray, means: np.ndarray, weights: np.ndarray, deviance: float) -> float:
    trials = np.floor(weights + 0.5)
    counted = trials > 0
    hits = np.floor(labels * weights + 0.5)
    return -2.0 * float(stats.binom.logpmf(hits[counted], trials[counted], means[counted]).sum())


BINOMIAL = Family(
    "binomial",
    LOGIT,
    _binomial_start,
    lambda mean: mean * (1.0 - mean),
    lambda y, mean, weight: 2.0 * weight * (_ylogy(y, mean) + _ylogy(1.0 - y, 1.0 - mean)),
    _binomial_aic,
    lambda mean: np.clip(mean, EPSILON, 1.0 - EPSILON),
)


def _poisson_start(y: np.ndarray, weight: np.ndarray) -> np.ndarray:
    _in_range(y >= 0.0, y, "The response variable of Poisson family should be non-negative")
    return np.maximum(y, DELTA)


POISSON = Family(
    "poisson",
    LOG,
    _poisson_start,
    lambda mean: mean,
    lambda y, mean, weight: 2.0 * weight * (_ylogy(y, mean) - (y - mean)),
    lambda y, mean, weight, _: -2.0 * float(weight @ stats.poisson.logpmf(np.trunc(y), mean)),
    _positive,
)


def _gamma_start(y: np.ndarray, weight: np.ndarray) -> np.ndarray:
    _in_range(y > 0.0, y, "The response variable of Gamma family should be positive")
    return y


def _gamma_aic(labels: np.ndarray, means: np.ndarray, weights: np.ndarray, deviance: float) -> float:
    dispersion = deviance / weights.sum()
    logs = stats.gamma.logpdf(labels, 1.0 / dispersion, scale=means * dispersion)
    return -2.0 * float(weights @ logs) + 2.0


GAMMA = Family(
    "gamma",
    INVERSE,
    _gamma_start,
    lambda mean: mean * mean,
    lambda y, mean, weight: -2.0 * weight * (np.log(y / mean) - (y - mean) / mean),
    _gamma_aic,
    _positive,
)
FAMILIES = {family.name: family for family in (GAUSSIAN, BINOMIAL, POISSON, GAMMA)}


def _tweedie_or_kin(power: float) -> Family:
    kin = {0.0: GAUSSIAN, 1.0: POISSON, 2.0: GAMMA}
    return kin[power] if power in kin else _tweedie(power)


def _tweedie(power: float) -> Family:
    def start(y: np.ndarray, weight: np.ndarray) -> np.ndarray:
        title = f"The response variable of tweedie({java_double(power)}) family should be"
        if 1.0 <= power < 2.0:
            _in_range(y >= 0.0, y, f"{title} non-negative")
        elif power >= 2.0:
            _in_range(y > 0.0, y, f"{title} positive")
        return np.where(y == 0, DELTA, y)

    def deviance(y: np.ndarray, mean: np.ndarray, weight: np.ndarray) -> np.ndarray:
        raised = np.maximum(y, DELTA) if 1.0 <= power < 2.0 else y
        with np.errstate(divide="ignore", invalid="ignore"):
            return 2.0 * weight * (y * _spread(raised, mean, 1.0 - power) - _spread(y, mean, 2.0 - power))

    link = _power(1.0 - power)
    return Family("tweedie", link, start, lambda mean: mean**power, deviance, _no_aic, _positive)


def _spread(y: np.ndarray, mean: np.ndarray, power: float) -> np.ndarray:
    return np.log(y / mean) if power == 0 else (y**power - mean**power) / power


def _in_range(right: np.ndarray, values: np.ndarray, message: str) -> None:
    wrong = values[~right]
    require(not len(wrong), f"{message}, but got {java_double(float(wrong[0])) if len(wrong) else ''}")
