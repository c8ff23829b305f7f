"""LogisticRegression: what it learns, predicts and says of its training, on a dozen data sets."""

from pathlib import Path
from typing import Any

from ml_linear_data import answer, classes, frame, numbers, sample, sparse_classes, told
from pyspark.ml.classification import LogisticRegression, LogisticRegressionModel
from pyspark.ml.linalg import DenseMatrix, Vectors
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F


def run(spark: SparkSession, directory: Path):
    frames = data_sets(spark)
    return {
        "models": {name: model(LogisticRegression(**values), frames[data]) for name, data, values in CASES},
        "columns": columns(frames),
        "thresholds": thresholds(frames),
        "summaries": summaries(frames),
        "evaluated": evaluated(frames),
        "saved": saved(frames, directory),
        "refused": refused(spark, frames),
    }


def data_sets(spark: SparkSession) -> dict[str, DataFrame]:
    plain = classes(1)
    sets = {
        "clouds": plain,
        "scales": classes(2, scale=20.0, features=5),
        "sparse": sparse_classes(3),
        "constant": [(y, w, Vectors.dense([*x.values, 3.5])) for y, w, x in plain],
        "zero": [(y, w, Vectors.dense([*x.values, 0.0])) for y, w, x in plain],
        "copied": [(y, w, Vectors.dense([*x.values, x[0]])) for y, w, x in plain],
        "rare": [(1.0 if number % 15 == 0 else 0.0, w, x) for number, (_, w, x) in enumerate(classes(4))],
        "three": classes(5, count=3),
        "four": classes(6, count=4, features=6, scale=5.0),
        "sparse three": sparse_classes(7, count=3),
        "ones": [(1.0, w, x) for _, w, x in plain],
        "zeros": [(0.0, w, x) for _, w, x in plain],
    }
    return {name: frame(spark, rows) for name, rows in sets.items()}


LASSO = {"regParam": 0.05, "elasticNetParam": 1.0}
MIXED = {"regParam": 0.1, "elasticNetParam": 0.4}
RIDGE = {"regParam": 0.1}
LONG = {"maxIter": 300, "tol": 1e-10}
MULTI = {"family": "multinomial"}

CASES: list[tuple[str, str, dict[str, Any]]] = [
    ("plain", "clouds", {}),
    ("plain long", "clouds", LONG),
    ("three iterations", "clouds", {"maxIter": 3}),
    ("no iteration", "clouds", {"maxIter": 0}),
    ("weighted", "clouds", {"weightCol": "weight"}),
    ("ridge", "clouds", RIDGE),
    ("ridge on the raw scale", "scales", {**RIDGE, "standardization": False}),
    ("lasso", "clouds", LASSO),
    ("lasso on the raw scale", "scales", {**LASSO, "standardization": False}),
    ("elastic net, weighted", "clouds", {**MIXED, "weightCol": "weight"}),
    ("no intercept", "clouds", {**RIDGE, "fitIntercept": False}),
    ("no intercept, lasso", "clouds", {**LASSO, "fitIntercept": False}),
    ("scales", "scales", {}),
    ("sparse", "sparse", RIDGE),
    ("sparse lasso", "sparse", LASSO),
    ("much lasso", "sparse", {"regParam": 0.3, "elasticNetParam": 1.0}),
    ("constant column", "constant", RIDGE),
    ("constant column, no intercept", "constant", {**RIDGE, "fitIntercept": False}),
    ("zero column", "zero", {}),
    ("copied column", "copied", RIDGE),
    ("rare", "rare", {}),
    ("two classes as multinomial", "clouds", MULTI),
    ("two classes as multinomial, ridge", "clouds", {**MULTI, **RIDGE}),
    ("three", "three", {}),
    ("three, weighted ridge", "three", {**RIDGE, "weightCol": "weight"}),
    ("three, lasso", "three", LASSO),
    ("three, no intercept", "three", {**RIDGE, "fitIntercept": False}),
    ("four", "four", {**RIDGE, "standardization": False}),
    ("sparse three", "sparse three", MIXED),
    ("ones", "ones", {}),
    ("zeros", "zeros", {}),
    ("ones as multinomial", "ones", MULTI),
    ("ones, no intercept", "ones", {**RIDGE, "fitIntercept": False}),
]


def model(estimator: LogisticRegression, data: DataFrame) -> dict[str, Any]:
    try:
        found = estimator.fit(data)
    except Exception as error:
        return {"refused": f"{type(error).__name__}: {str(error).strip().splitlines()[0]}"}
    transformed = found.transform(data)
    return answer(
        {
            "coefficients": lambda: found.coefficients,
            "intercept": lambda: found.intercept,
            "matrix": lambda: found.coefficientMatrix,
            "intercepts": lambda: found.interceptVector,
            "classes": lambda: [found.numClasses, found.numFeatures],
            "history": lambda: found.summary.objectiveHistory,
            "iterations": lambda: found.summary.totalIterations,
            "rows": lambda: sample(transformed, "rawPrediction", "probability", "prediction"),
        }
    )


def columns(frames: dict[str, DataFrame]) -> dict[str, Any]:
    """The columns a model adds, their metadata, and those it is told to leave out."""
    found = LogisticRegression(maxIter=2).fit(frames["clouds"])
    three = LogisticRegression(maxIter=2, predictionCol="p", rawPredictionCol="").fit(frames["three"])
    alone = LogisticRegression(maxIter=2, predictionCol="p", rawPredictionCol="", probabilityCol="")
    few = alone.fit(frames["clouds"]).transform(frames["clouds"])
    return {
        "two": found.transform(frames["clouds"]).schema.jsonValue()["fields"][3:],
        "three": three.transform(frames["three"]).schema.jsonValue()["fields"][3:],
        "prediction alone": [few.columns, sample(few, "p")],
        "one row": answer(
            {
                "predict": lambda: found.predict(Vectors.dense([1.0, -1.0, 0.5, 2.0])),
                "raw": lambda: found.predictRaw(Vectors.sparse(4, [1], [2.0])),
                "probability": lambda: found.predictProbability(Vectors.dense([1.0, -1.0, 0.5, 2.0])),
            }
        ),
    }


def thresholds(frames: dict[str, DataFrame]) -> dict[str, Any]:
    def counts(values: dict[str, Any], data: str = "clouds") -> list:
        model = LogisticRegression(**values).fit(frames[data])
        counted = model.transform(frames[data]).groupBy("prediction").count().sort("prediction")
        return [list(row) for row in counted.collect()]

    return answer(
        {
            "low": lambda: counts({"threshold": 0.2}),
            "none": lambda: counts({"threshold": 0.0}),
            "all": lambda: counts({"threshold": 1.0}),
            "pair": lambda: counts({"thresholds": [0.7, 0.3]}),
            "three": lambda: counts({"thresholds": [0.2, 0.9, 0.4]}, "three"),
            "with a zero": lambda: counts({"thresholds": [0.2, 0.9, 0.0]}, "three"),
            "too few": lambda: counts({"thresholds": [0.7, 0.3]}, "three"),
            "multinomial pair": lambda: counts({**MULTI, "thresholds": [0.7, 0.3]}),
        }
    )


def of_summary(summary: Any) -> dict[str, Any]:
    return answer(
        {
            "columns": lambda: [summary.predictionCol, summary.probabilityCol, summary.labelCol],
            "more columns": lambda: [summary.featuresCol, summary.weightCol],
            "labels": lambda: summary.labels,
            "recall by label": lambda: summary.recallByLabel,
            "precision by label": lambda: summary.precisionByLabel,
            "true positives": lambda: summary.truePositiveRateByLabel,
            "false positives": lambda: summary.falsePositiveRateByLabel,
            "f": lambda: summary.fMeasureByLabel(),
            "f2": lambda: summary.fMeasureByLabel(2.0),
            "accuracy": lambda: summary.accuracy,
            "weighted": lambda: [
                summary.weightedRecall,
                summary.weightedPrecision,
                summary.weightedTruePositiveRate,
                summary.weightedFalsePositiveRate,
                summary.weightedFMeasure(),
                summary.weightedFMeasure(0.5),
            ],
            "predictions": lambda: [summary.predictions.columns, sample(summary.predictions, "prediction")],
        }
    )


def of_binary_summary(summary: Any) -> dict[str, Any]:
    def curve(data: DataFrame) -> list:
        rows = [list(row) for row in data.collect()]
        return [data.columns, len(rows), rows[:3], rows[-2:]]

    return of_summary(summary) | answer(
        {
            "score": lambda: summary.scoreCol,
            "area": lambda: summary.areaUnderROC,
            "roc": lambda: curve(summary.roc),
            "pr": lambda: curve(summary.pr),
            "f by threshold": lambda: curve(summary.fMeasureByThreshold),
            "precision by threshold": lambda: curve(summary.precisionByThreshold),
            "recall by threshold": lambda: curve(summary.recallByThreshold),
        }
    )


def summaries(frames: dict[str, DataFrame]) -> dict[str, Any]:
    two = LogisticRegression(weightCol="weight").fit(frames["clouds"])
    three = LogisticRegression().fit(frames["three"])
    alone = LogisticRegression(predictionCol="", probabilityCol="").fit(frames["clouds"])
    return {
        "two": of_binary_summary(two.summary),
        "three": of_summary(three.summary),
        "three as binary": told(lambda: three.summary.areaUnderROC),
        "has": [two.hasSummary, three.hasSummary],
        "no prediction column": told(lambda: alone.summary.accuracy),
    }


def evaluated(frames: dict[str, DataFrame]) -> dict[str, Any]:
    two = LogisticRegression(maxIter=5).fit(frames["clouds"])
    half = frames["clouds"].where(F.col("weight") > 1.5)
    three = LogisticRegression(maxIter=5).fit(frames["three"])
    return {
        "two": of_binary_summary(two.evaluate(half)),
        "three": of_summary(three.evaluate(frames["three"])),
    }


def saved(frames: dict[str, DataFrame], directory: Path) -> dict[str, Any]:
    found = LogisticRegression(**LASSO, threshold=0.3).fit(frames["sparse"])
    path = str(directory / "model")
    found.write().overwrite().save(path)
    loaded = LogisticRegressionModel.load(path)
    return {
        "coefficients": numbers(loaded.coefficients),
        "intercept": numbers(loaded.intercept),
        "threshold": loaded.getThreshold(),
        "has a summary": loaded.hasSummary,
        "rows": sample(loaded.transform(frames["sparse"]), "probability", "prediction"),
    }


def bounds(spark: SparkSession, frames: dict[str, DataFrame]) -> dict[str, Any]:
    low = DenseMatrix(1, 4, [0.0, -0.1, 0.0, -1.0], True)
    high = DenseMatrix(1, 4, [0.3, 2.0, 0.25, 5.0], True)
    rows = {"lowerBoundsOnCoefficients": low, "upperBoundsOnCoefficients": high}
    three = {"lowerBoundsOnCoefficients": DenseMatrix(3, 4, [0.0] * 12, True)}

    def found(values: dict[str, Any], data: str) -> list:
        fitted = LogisticRegression(**values, maxIter=500, tol=1e-12).fit(frames[data])
        return [numbers(fitted.coefficientMatrix, 3), numbers(fitted.interceptVector, 3)]

    return answer(
        {
            "coefficients": lambda: found(rows, "clouds"),
            "ridge": lambda: found({**rows, **RIDGE}, "clouds"),
            "intercept": lambda: found({"upperBoundsOnIntercepts": Vectors.dense([-0.5])}, "clouds"),
            "three": lambda: found({**three, **RIDGE}, "three"),
            "lasso": lambda: found({**rows, **LASSO}, "clouds"),
            "wrong size": lambda: found(three, "clouds"),
        }
    )


def refused(spark: SparkSession, frames: dict[str, DataFrame]) -> dict[str, Any]:
    clouds = frames["clouds"]
    first = clouds.limit(3)

    def fitted(data: DataFrame, **values: Any) -> Any:
        return LogisticRegression(**values).fit(data).intercept

    return bounds(spark, frames) | answer(
        {
            "label missing": lambda: fitted(clouds.drop("label")),
            "features missing": lambda: fitted(clouds, featuresCol="other"),
            "features of doubles": lambda: fitted(clouds.withColumn("features", F.lit(1.0))),
            "label of text": lambda: fitted(clouds.withColumn("label", F.lit("a"))),
            "label of integers": lambda: fitted(clouds.withColumn("label", F.col("label").cast("int"))),
            "prediction there": lambda: fitted(clouds.withColumn("prediction", F.lit(1.0))),
            "half label": lambda: fitted(first.withColumn("label", F.lit(0.5))),
            "negative label": lambda: fitted(first.withColumn("label", F.lit(-1.0))),
            "null label": lambda: fitted(first.withColumn("label", F.lit(None).cast("double"))),
            "nan label": lambda: fitted(first.withColumn("label", F.lit(float("nan")))),
            "negative weight": lambda: fitted(first.withColumn("weight", F.lit(-1.0)), weightCol="weight"),
            "null weight": lambda: fitted(
                first.withColumn("weight", F.lit(None).cast("double")), weightCol="weight"
            ),
            "weight missing": lambda: fitted(first, weightCol="other"),
            "nan feature": lambda: fitted(
                frame(
                    spark,
                    [(1.0, 1.0, Vectors.dense([float("nan"), 1.0])), (0.0, 1.0, Vectors.dense([1.0, 2.0]))],
                )
            ),
            "no rows": lambda: fitted(clouds.limit(0)),
            "binomial of three": lambda: fitted(frames["three"], family="binomial"),
            "family": lambda: fitted(clouds, family="other"),
            "threshold": lambda: fitted(clouds, threshold=1.5),
            "both thresholds": lambda: fitted(clouds, threshold=0.2, thresholds=[0.5, 0.5]),
            "transform without features": lambda: (
                LogisticRegression(maxIter=1).fit(clouds).transform(clouds.drop("features")).columns
            ),
            "transform of other sizes": lambda: (
                LogisticRegression(maxIter=1).fit(clouds).transform(frames["constant"]).collect()
            ),
        }
    )
