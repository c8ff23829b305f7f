"""LogisticRegression: binomial and multinomial, with elastic net, bounds and weights.

https://github.com/apache/spark/blob/v4.2.0/mllib/src/main/scala/org/apache/spark/ml/classification/LogisticRegression.scala
"""

from dataclasses import dataclass

import numpy as np
from pyspark.ml.linalg import Matrix, Vector, Vectors
from pyspark.sql.types import StructType

from cauce.errors import IllegalArgumentException, SparkError
from cauce.ml.attributes import Attribute
from cauce.ml.bounds import Bounds, bounds_of, minimize_within
from cauce.ml.classification.logistic_model import LogisticRegressionModel
from cauce.ml.classification.logistic_summary import logistic_summary
from cauce.ml.columns import require
from cauce.ml.instances import Instances
from cauce.ml.label_moments import Moments, class_weights, moments_of
from cauce.ml.losses import Scale, binary_logistic, multinomial_logistic, penalised
from cauce.ml.params import Params
from cauce.ml.predictions import Predictor
from cauce.ml.quasi_newton import Minimum, Objective, minimize, minimize_with_lasso
from cauce.ml.saved_rows import compressed_matrix, compressed_vector
from cauce.ml.stage import Dataset
from cauce.ml.valid_values import LIMITS, between, one_of

__all__ = ["LogisticRegression"]


@dataclass(frozen=True)
class _Problem:
    """What is to be minimised; coefficients are laid out feature by feature, a set of classes each."""

    params: Params
    moments: Moments
    weights: np.ndarray
    classes: int
    is_multinomial: bool
    bounds: Bounds | None

    @property
    def sets(self) -> int:
        return self.classes if self.is_multinomial else 1

    @property
    def size(self) -> int:
        return len(self.moments.mean)

    @property
    def intercept(self) -> bool:
        return self.params["fitIntercept"]

    @property
    def centred(self) -> bool:
        """Whether features may be shifted by their mean: not if the intercept is bounded."""
        return self.intercept and not (self.bounds and self.bounds.hold_intercept)


class LogisticRegression(Predictor):
    """Minimises the logistic loss on standardised features."""

    valid = {
        **LIMITS,
        "family": one_of("auto", "binomial", "multinomial"),
        "threshold": between(0, 1),
    }

    outputs = ("predictionCol", "rawPredictionCol", "probabilityCol")

    def output_schema(self, schema: StructType) -> StructType:
        _check_thresholds(self.params)
        return super().output_schema(schema)

    def fit(self, dataset: Dataset) -> LogisticRegressionModel:
        blocks = Instances(dataset, self.params, label="class")
        moments, weights = moments_of(blocks), class_weights(blocks)
        problem = self._problem(dataset, moments, weights)
        if problem.intercept and np.count_nonzero(weights) == 1 and problem.bounds is None:
            return self._model(dataset, problem, *_of_one_class(problem), [0.0])
        minimum = _minimum(problem, _objective(problem, blocks))
        coefficients, intercepts = _unscaled(problem, minimum.x)
        return self._model(dataset, problem, coefficients, intercepts, minimum.history)

    def _problem(self, dataset: Dataset, moments: Moments, weights: np.ndarray) -> _Problem:
        classes = class_count(dataset.schema, self.params["labelCol"], len(weights))
        weights = np.pad(weights, (0, classes - len(weights)))
        family = self.params["family"].lower()
        if family == "binomial":
            require(
                classes <= 2, f"Binomial family only supports 1 or 2 outcome classes but found {classes}."
            )
        is_multinomial = family == "multinomial" or (family == "auto" and classes > 2)
        bounds = bounds_of(self.params, classes if is_multinomial else 1, moments.deviation)
        thresholds = self.params.get("thresholds")
        require(
            not thresholds or len(thresholds) == classes,
            "LogisticRegression.train() called with non-matching numClasses and thresholds.length. "
            f"numClasses={classes}, but thresholds has length {len(thresholds or [])}",
        )
        return _Problem(self.params, moments, weights, classes, is_multinomial, bounds)

    def _model(
        self,
        dataset: Dataset,
        problem: _Problem,
        coefficients: Matrix,
        intercepts: Vector,
        history: list[float],
    ) -> LogisticRegressionModel:
        model = LogisticRegressionModel(
            self.params,
            coefficients,
            intercepts,
            classes=problem.classes,
            is_multinomial=problem.is_multinomial,
        )
        model.summary = logistic_summary(model, dataset, history)
        return model


def class_count(schema: StructType, label: str, found: int) -> int:
    """The classes that the label's metadata promises, or as many as were found."""
    promised = Attribute.of(schema[label]).category_count
    if promised is None:
        return found
    require(
        promised >= found,
        f"Specified number of classes {promised} was less than the number of unique labels {found}.",
    )
    return promised


def _check_thresholds(params: Params) -> None:
    if params.is_set("threshold") and params.is_set("thresholds"):
        pair = params["thresholds"]
        require(
            len(pair) == 2,
            "Logistic Regression found inconsistent values for threshold and thresholds. Param threshold is "
            f"set ({params['threshold']}), indicating binary classification, but Param thresholds is set "
            f"with length {len(pair)}. Clear one Param value to fix this problem.",
        )
        meant = 1.0 / (1.0 + pair[0] / pair[1])
        if abs(params["threshold"] - meant) >= 1e-5:
            raise IllegalArgumentException(
                None,
                "Logistic Regression getThreshold found inconsistent values for threshold "
                f"({params['threshold']}) and thresholds (equivalent to {meant})",
            )


def _of_one_class(problem: _Problem) -> tuple[Matrix, Vector]:
    """Without training: nothing but that class is ever predicted."""
    coefficients = compressed_matrix(np.zeros((problem.sets, problem.size)))
    if problem.is_multinomial:
        place = int(np.argmax(problem.weights))
        return coefficients, Vectors.sparse(problem.classes, [place], [np.inf])
    return coefficients, Vectors.dense([np.inf if problem.classes == 2 else -np.inf])


def _objective(problem: _Problem, blocks: Instances) -> Objective:
    scale = Scale.of(problem.moments)
    how = {"intercept": problem.intercept, "centred": problem.centred}
    if problem.is_multinomial:
        loss = multinomial_logistic(blocks, scale, problem.classes, **how)
    else:
        loss = binary_logistic(blocks, scale, **how)
    share = (1.0 - problem.params["elasticNetParam"]) * problem.params["regParam"]
    return penalised(loss, _strengths(problem, share, 2))


def _strengths(problem: _Problem, share: float, power: int) -> np.ndarray:
    """The penalty of every coefficient; on the raw scale if features are not to be standardised."""
    deviation = problem.moments.deviation
    strengths = np.full(problem.size, share)
    if not problem.params["standardization"]:
        raw = np.zeros(problem.size)
        strengths = np.divide(share, deviation**power, out=raw, where=deviation != 0)
    return np.append(np.repeat(strengths, problem.sets), np.zeros(problem.sets * problem.intercept))


def _minimum(problem: _Problem, objective: Objective) -> Minimum:
    params, start = problem.params, _start(problem)
    limits = (params["maxIter"], params["tol"])
    adapt = Scale.of(problem.moments).mean
    if problem.bounds is not None:
        start = problem.bounds.clipped(start)
        found = minimize_within(objective, _shifted(problem, start, adapt, 1.0), problem.bounds, *limits)
    elif params["elasticNetParam"] != 0.0 and params["regParam"] != 0.0:
        penalty = _strengths(problem, params["elasticNetParam"] * params["regParam"], 1)
        found = minimize_with_lasso(objective, penalty, _shifted(problem, start, adapt, 1.0), *limits)
    else:
        found = minimize(objective, _shifted(problem, start, adapt, 1.0), *limits)
    if np.isnan(found.x).any():
        raise SparkError(None, "The optimizer failed: coefficients are not numbers.")
    return Minimum(_shifted(problem, found.x, adapt, -1.0), found.history)


def _shifted(problem: _Problem, x: np.ndarray, mean: np.ndarray, sign: float) -> np.ndarray:
    """The same model with the intercept of centred features (sign 1), or of raw ones (sign -1)."""
    if not problem.centred:
        return x
    cut = problem.size * problem.sets
    moved = mean @ x[:cut].reshape(problem.size, problem.sets)
    return np.append(x[:cut], x[cut:] + sign * moved)


def _start(problem: _Problem) -> np.ndarray:
    """Zeros, and intercepts that follow the distribution of the labels."""
    start = np.zeros((problem.size + problem.intercept) * problem.sets)
    if problem.intercept and problem.is_multinomial:
        logs = np.log1p(problem.weights)
        start[problem.size * problem.sets :] = logs - logs.mean()
    elif problem.intercept:
        with np.errstate(divide="ignore"):
            start[-1] = np.log(problem.weights[1] / problem.weights[0]) if problem.classes > 1 else -np.inf
    return start


def _unscaled(problem: _Problem, x: np.ndarray) -> tuple[Matrix, Vector]:
    """Coefficients of the raw features, and intercepts; those of a multinomial model are centred."""
    cut = problem.size * problem.sets
    inverse = Scale.of(problem.moments).inverse_deviation
    coefficients = x[:cut].reshape(problem.size, problem.sets).T * inverse
    intercepts = x[cut:] if problem.intercept else np.zeros(problem.sets)
    if problem.is_multinomial and problem.bounds is None:
        if problem.params["regParam"] == 0.0:
            coefficients = coefficients - coefficients.mean(axis=0)
        intercepts = intercepts - intercepts.mean()
    return compressed_matrix(coefficients), compressed_vector(intercepts)
