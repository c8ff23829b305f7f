"""pyspark.ml.evaluation: its evaluators.

Imported by cauce.ml.registry; may import the modules of cauce.ml beside it.
"""

from cauce.ml.evaluation.binary_classification import BinaryClassificationEvaluator
from cauce.ml.evaluation.clustering import ClusteringEvaluator
from cauce.ml.evaluation.multiclass_classification import MulticlassClassificationEvaluator
from cauce.ml.evaluation.multilabel_classification import MultilabelClassificationEvaluator
from cauce.ml.evaluation.ranking import RankingEvaluator
from cauce.ml.evaluation.regression import RegressionEvaluator
from cauce.ml.stage import Evaluator

__all__ = ["EVALUATORS"]

EVALUATORS: dict[str, type[Evaluator]] = {
    f"org.apache.spark.ml.evaluation.{kind.__name__}": kind
    for kind in (
        BinaryClassificationEvaluator,
        ClusteringEvaluator,
        MulticlassClassificationEvaluator,
        MultilabelClassificationEvaluator,
        RankingEvaluator,
        RegressionEvaluator,
    )
}
