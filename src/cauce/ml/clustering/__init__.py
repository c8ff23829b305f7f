"""pyspark.ml.clustering: its estimators and models.

Imported by cauce.ml.registry; may import the modules of cauce.ml beside it.
"""

from cauce.ml.clustering.bisecting_kmeans import BisectingKMeans, BisectingKMeansModel
from cauce.ml.clustering.gaussian_mixture import GaussianMixture, GaussianMixtureModel
from cauce.ml.clustering.kmeans import KMeans, KMeansModel
from cauce.ml.clustering.lda import LDA, DistributedLDAModel, LocalLDAModel
from cauce.ml.stage import Estimator, Model

__all__ = ["ESTIMATORS", "MODELS"]

PACKAGE = "org.apache.spark.ml.clustering"
ESTIMATORS: dict[str, type[Estimator]] = {
    f"{PACKAGE}.BisectingKMeans": BisectingKMeans,
    f"{PACKAGE}.GaussianMixture": GaussianMixture,
    f"{PACKAGE}.KMeans": KMeans,
    f"{PACKAGE}.LDA": LDA,
}
MODELS: tuple[type[Model], ...] = (
    BisectingKMeansModel,
    DistributedLDAModel,
    GaussianMixtureModel,
    KMeansModel,
    LocalLDAModel,
)
