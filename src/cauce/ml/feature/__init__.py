"""pyspark.ml.feature: its transformers, estimators and models.

Imported by cauce.ml.registry; may import the modules of cauce.ml beside it.
"""

from cauce.ml.feature.binarizer import Binarizer
from cauce.ml.feature.bucketizer import Bucketizer
from cauce.ml.feature.imputer import Imputer, ImputerModel
from cauce.ml.feature.normalizer import Normalizer
from cauce.ml.feature.one_hot_encoder import OneHotEncoder, OneHotEncoderModel
from cauce.ml.feature.quantile_discretizer import QuantileDiscretizer
from cauce.ml.feature.robust_scaler import RobustScaler, RobustScalerModel
from cauce.ml.feature.scalers import (
    MaxAbsScaler,
    MaxAbsScalerModel,
    MinMaxScaler,
    MinMaxScalerModel,
    StandardScaler,
    StandardScalerModel,
)
from cauce.ml.feature.string_indexer import IndexToString, StringIndexer, StringIndexerModel
from cauce.ml.feature.vector_assembler import VectorAssembler
from cauce.ml.stage import Estimator, Model, Stage, Transformer

__all__ = ["ESTIMATORS", "MODELS", "TRANSFORMERS"]


def _named(*stages: type[Stage]) -> dict[str, type]:
    return {f"org.apache.spark.ml.feature.{stage.__name__}": stage for stage in stages}


TRANSFORMERS: dict[str, type[Transformer]] = _named(
    Binarizer, Bucketizer, IndexToString, Normalizer, VectorAssembler
)
ESTIMATORS: dict[str, type[Estimator]] = _named(
    Imputer,
    MaxAbsScaler,
    MinMaxScaler,
    OneHotEncoder,
    QuantileDiscretizer,
    RobustScaler,
    StandardScaler,
    StringIndexer,
)
MODELS: tuple[type[Model], ...] = (
    Bucketizer,
    ImputerModel,
    MaxAbsScalerModel,
    MinMaxScalerModel,
    OneHotEncoderModel,
    RobustScalerModel,
    StandardScalerModel,
    StringIndexerModel,
)
