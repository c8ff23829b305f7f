"""Three models of a trip's duration, judged on the same held-out trips; the best is kept.

cauce run examples/taxi/training.py --data taxi-data
"""

import argparse
import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from pyspark.ml import Pipeline, PipelineModel
from pyspark.ml.evaluation import RegressionEvaluator
from pyspark.ml.feature import StandardScaler, VectorAssembler
from pyspark.ml.regression import GBTRegressor, LinearRegression, RandomForestRegressor
from pyspark.ml.tuning import ParamGridBuilder, TrainValidationSplit
from pyspark.sql import DataFrame, SparkSession
from trips import FEATURES, LABEL, labelled

SEED = 42
SHARES = [0.8, 0.2]
RANDOM_FOREST_TREES = 100
TUNING_TRIPS_MAX = 50_000


@dataclass(frozen=True)
class Score:
    """How one model did on the held-out trips, in minutes; and how long fitting took."""

    name: str
    rmse: float
    mae: float
    r2: float
    fit_s: float


def pipelines(trees: int = RANDOM_FOREST_TREES) -> dict[str, Pipeline]:
    """By name; every one takes the columns of FEATURES."""
    assembled = VectorAssembler(inputCols=FEATURES, outputCol="features")
    raw = VectorAssembler(inputCols=FEATURES, outputCol="unscaled")
    scaled = StandardScaler(inputCol="unscaled", outputCol="features", withMean=True)
    forest = RandomForestRegressor(labelCol=LABEL, numTrees=trees, maxDepth=8, seed=SEED)
    boosted = GBTRegressor(labelCol=LABEL, maxIter=30, maxDepth=6, seed=SEED)
    return {
        "random forest": Pipeline(stages=[assembled, forest]),
        "gradient boosting": Pipeline(stages=[assembled, boosted]),
        "linear": Pipeline(stages=[raw, scaled, LinearRegression(labelCol=LABEL)]),
    }


def judged(name: str, model: PipelineModel, test: DataFrame, fit_s: float) -> Score:
    predicted = model.transform(test)
    values = {
        metric: RegressionEvaluator(labelCol=LABEL, metricName=metric).evaluate(predicted)
        for metric in ("rmse", "mae", "r2")
    }
    return Score(name, values["rmse"], values["mae"], values["r2"], fit_s)


def compare(train: DataFrame, test: DataFrame, trees: int) -> dict[str, tuple[PipelineModel, Score]]:
    """Every pipeline fitted and judged."""
    found = {}
    for name, pipeline in pipelines(trees).items():
        started = time.perf_counter()
        model = pipeline.fit(train)
        found[name] = (model, judged(name, model, test, time.perf_counter() - started))
    return found


def tuned(train: DataFrame) -> dict[str, float]:
    """The best depth and step of boosting on a sample, tried side by side."""
    assembler = VectorAssembler(inputCols=FEATURES, outputCol="features")
    boosted = GBTRegressor(labelCol=LABEL, maxIter=10, seed=SEED)
    grid = ParamGridBuilder().addGrid(boosted.maxDepth, [4, 6]).addGrid(boosted.stepSize, [0.1, 0.3]).build()
    search = TrainValidationSplit(
        estimator=boosted,
        estimatorParamMaps=grid,
        evaluator=RegressionEvaluator(labelCol=LABEL),
        trainRatio=0.8,
        parallelism=2,
        seed=SEED,
    )
    found = search.fit(assembler.transform(train.limit(TUNING_TRIPS_MAX)))
    best = min(zip(found.validationMetrics, grid, strict=True), key=lambda pair: pair[0])
    return {"rmse": best[0], **{param.name: value for param, value in best[1].items()}}


def save(best: PipelineModel, scores: list[Score], test: DataFrame, folder: Path) -> None:
    """The model in Spark's format; beside it its scores and the spread of its errors, for intervals."""
    best.write().overwrite().save(str(folder / "model"))
    errors = best.transform(test).selectExpr(f"{LABEL} - prediction AS error")
    low, high = errors.approxQuantile("error", [0.05, 0.95], 0.001)
    about = {
        "scores": [asdict(score) for score in scores],
        "interval_90_min": [low, high],
        "features": FEATURES,
    }
    (folder / "about.json").write_text(json.dumps(about, indent=2))


def run(spark: SparkSession, folder: Path, trees: int = RANDOM_FOREST_TREES) -> list[Score]:
    """Train on folder/trips.parquet, keep the best model in folder/model; scores, best first."""
    trips = labelled(spark.read.parquet(str(folder / "trips.parquet"))).cache()
    train, test = trips.randomSplit(SHARES, SEED)
    found = compare(train, test, trees)
    scores = sorted((score for _, score in found.values()), key=lambda score: score.rmse)
    save(found[scores[0].name][0], scores, test, folder)
    return scores


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("taxi-data"))
    parser.add_argument("--trees", type=int, default=RANDOM_FOREST_TREES)
    parser.add_argument(
        "--tune", action="store_true", help="also look for the best depth and step of boosting"
    )
    options = parser.parse_args()
    spark = SparkSession.builder.appName("taxi-training").getOrCreate()
    for score in run(spark, options.data, options.trees):
        print(
            f"{score.name:18} RMSE {score.rmse:6.2f} min  R2 {score.r2:5.3f}  fitted in {score.fit_s:.1f} s"
        )
    if options.tune:
        trips = labelled(spark.read.parquet(str(options.data / "trips.parquet")))
        print("tuned:", tuned(trips))


if __name__ == "__main__":
    main()
