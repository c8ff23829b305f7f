"""RegressionEvaluator: errors of predicted numbers."""

from pyspark.sql.types import DoubleType, FloatType

from cauce.ml.columns import doubles
from cauce.ml.evaluation.inputs import check_numeric, check_one_of, pieces, weight_name
from cauce.ml.evaluation.regression_metrics import RegressionMetrics
from cauce.ml.stage import Dataset, Evaluator

__all__ = ["RegressionEvaluator"]

METRICS = {
    "rmse": RegressionMetrics.root_mean_squared_error,
    "mse": RegressionMetrics.mean_squared_error,
    "mae": RegressionMetrics.mean_absolute_error,
    "r2": RegressionMetrics.r2,
    "var": RegressionMetrics.explained_variance,
}


class RegressionEvaluator(Evaluator):
    """Judges predicted numbers."""

    def evaluate(self, dataset: Dataset) -> float:
        params, schema = self.params, dataset.schema
        prediction, label = params["predictionCol"], params["labelCol"]
        check_one_of(schema, prediction, DoubleType(), FloatType())
        check_numeric(schema, label)
        metrics = RegressionMetrics.of(
            [
                (doubles(found), doubles(labels), weights)
                for (found, labels), weights in pieces(
                    dataset, [prediction, label], weight_name(params, schema)
                )
            ],
            through_origin=params["throughOrigin"],
        )
        return METRICS[params["metricName"]](metrics)
