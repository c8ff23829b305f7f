"""Functions of pyspark.ml that belong to no stage, by the name the client asks Spark's helper object for.

Arguments come as values, and a DataFrame as a Dataset. A pa.Table is a DataFrame for the client, a Model
a model. Families add theirs here.
"""

from collections.abc import Callable
from typing import Any

from cauce.ml.clustering.power_iteration import assign_clusters
from cauce.ml.feature.functions import FUNCTIONS as FEATURE
from cauce.ml.fpm.prefix_span import find_patterns
from cauce.ml.statistics.functions import FUNCTIONS as STATISTICS

__all__ = ["FUNCTIONS"]

FUNCTIONS: dict[str, Callable[..., Any]] = {
    **FEATURE,
    **STATISTICS,
    "powerIterationClusteringAssignClusters": assign_clusters,
    "prefixSpanFindFrequentSequentialPatterns": find_patterns,
}
