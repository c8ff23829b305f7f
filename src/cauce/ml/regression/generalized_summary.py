"""The summary of a generalised linear model: deviances, AIC, residuals, statistics of its coefficients."""

from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
from scipy import special, stats

from cauce.errors import UnsupportedOperationException
from cauce.ml.attributes import AttributeGroup
from cauce.ml.classification.logistic_summary import with_columns
from cauce.ml.columns import doubles
from cauce.ml.instances import Block
from cauce.ml.regression.families import GAUSSIAN, IDENTITY
from cauce.ml.stage import Dataset, attribute
from cauce.ml.summary import Summary

__all__ = ["GeneralizedSummary"]


class GeneralizedSummary(Summary):
    """Of the rows a model was fitted to (with its estimator and the last least squares), or of others."""

    def __init__(
        self,
        model: Any,
        dataset: Dataset,
        estimator: Any = None,
        inverse_diagonal: np.ndarray | None = None,
        iterations: int = 0,
    ) -> None:
        super().__init__(with_columns(model, "predictionCol"), dataset)
        self.estimator = estimator
        self.inverse_diagonal = np.zeros(1) if inverse_diagonal is None else inverse_diagonal
        self.iterations = iterations

    @cached_property
    def columns(self) -> dict[str, np.ndarray]:
        """Labels, predictions, weights and offsets."""
        params = self.model.params
        names = {"label": params["labelCol"], "prediction": params["predictionCol"]}
        extra = {"weight": params.get("weightCol"), "offset": params.get("offsetCol")}
        names |= {key: name for key, name in extra.items() if name}
        parts = [[doubles(column) for column in row] for row in self.rows(*names.values())]
        found = {key: np.concatenate(part) for key, part in zip(names, zip(*parts, strict=True), strict=True)}
        rows = len(found["label"])
        return {"weight": np.ones(rows), "offset": np.zeros(rows)} | found

    @property
    def _kind(self) -> Any:
        return self.model.kind

    @property
    def _intercept(self) -> bool:
        return self.model.params["fitIntercept"]

    @attribute
    def numInstances(self) -> int:
        return len(self.columns["label"])

    @attribute
    def rank(self) -> int:
        return self.model.numFeatures() + self._intercept

    @attribute
    def degreesOfFreedom(self) -> int:
        return self.numInstances() - self.rank()

    @attribute
    def residualDegreeOfFreedom(self) -> int:
        return self.degreesOfFreedom()

    @attribute
    def residualDegreeOfFreedomNull(self) -> int:
        return self.numInstances() - self._intercept

    @attribute
    def deviance(self) -> float:
        return float(self._deviances().sum())

    def _deviances(self) -> np.ndarray:
        rows = self.columns
        return self._kind.family.deviance(rows["label"], rows["prediction"], rows["weight"])

    @attribute
    def nullDeviance(self) -> float:
        """Of a model with nothing but an intercept."""
        rows, link = self.columns, self._kind.link
        means = link.unlink(self._null_intercept() + rows["offset"])
        return float(self._kind.family.deviance(rows["label"], means, rows["weight"]).sum())

    def _null_intercept(self) -> float:
        if not self._intercept:
            return 0.0
        rows, kind = self.columns, self._kind
        is_closed = kind.family is GAUSSIAN and kind.link is IDENTITY
        if not self.model.params.get("offsetCol") or is_closed:
            mean = rows["weight"] @ (rows["label"] - rows["offset"]) / rows["weight"].sum()
            return float(kind.link.link(np.array([mean]))[0])
        empty = Block(rows["label"], rows["weight"], np.zeros((len(rows["label"]), 0)), rows["offset"])
        return self.estimator.solve([empty])[0].intercept

    @attribute
    def dispersion(self) -> float:
        """1 for counts, else Pearson's statistic by degree of freedom."""
        if self.model.params["family"].lower() in ("binomial", "poisson"):
            return 1.0
        return float((self._pearson() ** 2).sum()) / self.degreesOfFreedom()

    def _pearson(self) -> np.ndarray:
        rows = self.columns
        spread = np.sqrt(self._kind.family.variance(rows["prediction"]))
        return (rows["label"] - rows["prediction"]) * np.sqrt(rows["weight"]) / spread

    @attribute
    def aic(self) -> float:
        rows = self.columns
        found = self._kind.family.aic(rows["label"], rows["prediction"], rows["weight"], self.deviance())
        return found + 2 * self.rank()

    @attribute
    def residuals(self, residualsType: str = "deviance") -> pa.Table:  # noqa: N803 - Spark's name
        """(rows, 1), of the type deviance, pearson, working or response."""
        if residualsType not in RESIDUALS:
            raise UnsupportedOperationException(
                None, f"The residuals type {residualsType} is not supported by Generalized Linear Regression."
            )
        values = RESIDUALS[residualsType](self)
        schema = pa.schema([pa.field(f"{residualsType}Residuals", pa.float64(), nullable=False)])
        return pa.Table.from_arrays([pa.array(values)], schema=schema)

    @attribute
    def numIterations(self) -> int:
        return self.iterations

    @attribute
    def solver(self) -> str:
        return self.model.params["solver"]

    @attribute
    def coefficientStandardErrors(self) -> list[float]:
        """Of the coefficients, then the intercept."""
        return self._errors("Std. Error of coefficients").tolist()

    @attribute
    def tValues(self) -> list[float]:
        return self._t_values("t-statistic").tolist()

    @attribute
    def pValues(self) -> list[float]:
        values = np.abs(self._t_values("p-value"))
        if self.model.params["family"].lower() in ("binomial", "poisson"):
            return (2.0 * special.ndtr(-values)).tolist()
        return (2.0 * stats.t.sf(values, self.degreesOfFreedom())).tolist()

    def _errors(self, asked: str) -> np.ndarray:
        if len(self.inverse_diagonal) == 1 and self.inverse_diagonal[0] == 0:
            raise UnsupportedOperationException(
                None, f"No {asked} available for this GeneralizedLinearRegressionModel"
            )
        return np.sqrt(self.inverse_diagonal * self.dispersion())

    def _estimates(self) -> np.ndarray:
        return np.append(self.model.weights, [self.model.offset] * self._intercept)

    def _t_values(self, asked: str) -> np.ndarray:
        return self._estimates() / self._errors(asked)

    def _feature_names(self) -> list[str]:
        name = self.model.params["featuresCol"]
        known = AttributeGroup.of(self.dataset.schema[name]).attributes
        if known is not None:
            return [str(feature.name) for feature in known]
        return [f"{name}_{place}" for place in range(self.model.numFeatures())]

    @attribute
    def toString(self) -> str:
        """A table of the coefficients, the intercept first, and what else R tells."""
        errors, t_values, p_values = self._errors("summary"), self.tValues(), self.pValues()
        names = [*self._feature_names(), *(["(Intercept)"] if self._intercept else [])]
        rows = [
            [name, *map(_rounded, numbers)]
            for name, *numbers in zip(names, self._estimates(), errors, t_values, p_values, strict=True)
        ]
        ordered = [*rows[-1:], *rows[:-1]] if self._intercept else rows
        head = ["Feature", "Estimate", "Std Error", "T Value", "P Value"]
        cells = [head, *([cell if len(cell) <= 20 else cell[:17] + "..." for cell in row] for row in ordered)]
        widths = [max(len(row[place]) for row in cells) for place in range(len(head))]
        lines = [
            " ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in cells
        ]
        return "\n".join(["Coefficients:", *lines, "", *self._totals()])

    def _totals(self) -> list[str]:
        family, freedom = self._kind.family.name, self.degreesOfFreedom()
        null = f"Null deviance: {_rounded(self.nullDeviance())} on {freedom} degrees of freedom"
        left = f"Residual deviance: {_rounded(self.deviance())} on {freedom} degrees of freedom"
        width = max(len(null), len(left))
        lines = [
            f"(Dispersion parameter for {family} family taken to be {_rounded(self.dispersion())})",
            null.rjust(width),
            left.rjust(width),
        ]
        return lines if family == "tweedie" else [*lines, f"AIC: {_rounded(self.aic())}"]


def _signed_deviances(summary: GeneralizedSummary) -> np.ndarray:
    rows = summary.columns
    roots = np.sqrt(np.maximum(summary._deviances(), 0.0))
    return np.where(rows["label"] > rows["prediction"], roots, -roots)


def _working(summary: GeneralizedSummary) -> np.ndarray:
    rows = summary.columns
    return (rows["label"] - rows["prediction"]) * summary._kind.link.derivative(rows["prediction"])


RESIDUALS: dict[str, Callable[[GeneralizedSummary], np.ndarray]] = {
    "deviance": _signed_deviances,
    "pearson": lambda summary: summary._pearson(),
    "working": _working,
    "response": lambda summary: summary.columns["label"] - summary.columns["prediction"],
}


def _rounded(value: float) -> str:
    return str(Decimal(repr(float(value))).quantize(Decimal("0.0001"), rounding=ROUND_HALF_UP))
