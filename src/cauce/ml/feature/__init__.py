"""pyspark.ml.feature: its transformers, estimators and models.

Imported by cauce.ml.registry; may import the modules of cauce.ml beside it.
"""

from cauce.ml.stage import Estimator, Model, Transformer

__all__ = ["ESTIMATORS", "MODELS", "TRANSFORMERS"]

TRANSFORMERS: dict[str, type[Transformer]] = {}
ESTIMATORS: dict[str, type[Estimator]] = {}
MODELS: tuple[type[Model], ...] = ()
