"""pyspark.ml.classification: its estimators and models.

Imported by cauce.ml.registry; may import the modules of cauce.ml beside it.
"""

from cauce.ml.stage import Estimator, Model

__all__ = ["ESTIMATORS", "MODELS"]

ESTIMATORS: dict[str, type[Estimator]] = {}
MODELS: tuple[type[Model], ...] = ()
