"""pyspark.ml.recommendation: its estimators and models.

Imported by cauce.ml.registry; may import the modules of cauce.ml beside it.
"""

from cauce.ml.recommendation.als import ALS
from cauce.ml.recommendation.als_model import ALSModel
from cauce.ml.stage import Estimator, Model

__all__ = ["ESTIMATORS", "MODELS"]

ESTIMATORS: dict[str, type[Estimator]] = {"org.apache.spark.ml.recommendation.ALS": ALS}
MODELS: tuple[type[Model], ...] = (ALSModel,)
