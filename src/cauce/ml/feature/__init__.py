"""pyspark.ml.feature: its transformers, estimators and models.

Imported by cauce.ml.registry; may import the modules of cauce.ml beside it.
"""

from cauce.ml.feature.binarizer import Binarizer
from cauce.ml.feature.bucketizer import Bucketizer
from cauce.ml.feature.count_vectorizer import CountVectorizer, CountVectorizerModel
from cauce.ml.feature.elementwise import DCT, ElementwiseProduct
from cauce.ml.feature.feature_hasher import FeatureHasher
from cauce.ml.feature.hashing_neighbours import (
    BucketedRandomProjectionLSH,
    BucketedRandomProjectionLSHModel,
    MinHashLSH,
    MinHashLSHModel,
)
from cauce.ml.feature.hashing_tf import HashingTF
from cauce.ml.feature.idf import IDF, IDFModel
from cauce.ml.feature.imputer import Imputer, ImputerModel
from cauce.ml.feature.normalizer import Normalizer
from cauce.ml.feature.one_hot_encoder import OneHotEncoder, OneHotEncoderModel
from cauce.ml.feature.pca import PCA, PCAModel
from cauce.ml.feature.polynomial_expansion import Interaction, PolynomialExpansion
from cauce.ml.feature.quantile_discretizer import QuantileDiscretizer
from cauce.ml.feature.r_formula import RFormula, RFormulaModel
from cauce.ml.feature.robust_scaler import RobustScaler, RobustScalerModel
from cauce.ml.feature.scalers import (
    MaxAbsScaler,
    MaxAbsScalerModel,
    MinMaxScaler,
    MinMaxScalerModel,
    StandardScaler,
    StandardScalerModel,
)
from cauce.ml.feature.selectors import (
    ChiSqSelector,
    ChiSqSelectorModel,
    UnivariateFeatureSelector,
    UnivariateFeatureSelectorModel,
    VarianceThresholdSelector,
    VarianceThresholdSelectorModel,
)
from cauce.ml.feature.stop_words import StopWordsRemover
from cauce.ml.feature.string_indexer import IndexToString, StringIndexer, StringIndexerModel
from cauce.ml.feature.target_encoder import TargetEncoder, TargetEncoderModel
from cauce.ml.feature.tokenizers import NGram, RegexTokenizer, Tokenizer
from cauce.ml.feature.vector_assembler import VectorAssembler
from cauce.ml.feature.vector_indexer import VectorIndexer, VectorIndexerModel
from cauce.ml.feature.vector_slicer import VectorSizeHint, VectorSlicer
from cauce.ml.feature.word2vec import Word2Vec, Word2VecModel
from cauce.ml.stage import Estimator, Model, Stage, Transformer

__all__ = ["ESTIMATORS", "MODELS", "TRANSFORMERS"]


def _named(*stages: type[Stage]) -> dict[str, type]:
    return {f"org.apache.spark.ml.feature.{stage.__name__}": stage for stage in stages}


TRANSFORMERS: dict[str, type[Transformer]] = _named(
    Binarizer,
    Bucketizer,
    DCT,
    ElementwiseProduct,
    FeatureHasher,
    HashingTF,
    IndexToString,
    Interaction,
    NGram,
    Normalizer,
    PolynomialExpansion,
    RegexTokenizer,
    StopWordsRemover,
    Tokenizer,
    VectorAssembler,
    VectorSizeHint,
    VectorSlicer,
)
ESTIMATORS: dict[str, type[Estimator]] = _named(
    BucketedRandomProjectionLSH,
    MinHashLSH,
    Word2Vec,
    ChiSqSelector,
    CountVectorizer,
    IDF,
    Imputer,
    MaxAbsScaler,
    MinMaxScaler,
    OneHotEncoder,
    PCA,
    QuantileDiscretizer,
    RFormula,
    RobustScaler,
    StandardScaler,
    StringIndexer,
    TargetEncoder,
    UnivariateFeatureSelector,
    VarianceThresholdSelector,
    VectorIndexer,
)
MODELS: tuple[type[Model], ...] = (
    BucketedRandomProjectionLSHModel,
    MinHashLSHModel,
    Word2VecModel,
    Bucketizer,
    ChiSqSelectorModel,
    CountVectorizerModel,
    IDFModel,
    ImputerModel,
    MaxAbsScalerModel,
    MinMaxScalerModel,
    OneHotEncoderModel,
    PCAModel,
    RFormulaModel,
    RobustScalerModel,
    StandardScalerModel,
    StringIndexerModel,
    TargetEncoderModel,
    UnivariateFeatureSelectorModel,
    VarianceThresholdSelectorModel,
    VectorIndexerModel,
)
