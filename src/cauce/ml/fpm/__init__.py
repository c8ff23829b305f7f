"""pyspark.ml.fpm: its estimators and models.

Imported by cauce.ml.registry; may import the modules of cauce.ml beside it.
"""

from cauce.ml.fpm.fp_growth import FPGrowth, FPGrowthModel
from cauce.ml.stage import Estimator, Model

__all__ = ["ESTIMATORS", "MODELS"]

ESTIMATORS: dict[str, type[Estimator]] = {"org.apache.spark.ml.fpm.FPGrowth": FPGrowth}
MODELS: tuple[type[Model], ...] = (FPGrowthModel,)
