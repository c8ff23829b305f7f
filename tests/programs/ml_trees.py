"""Decision trees, forests and boosted trees: the trees themselves, what models tell, and what is refused."""

import random
import re
from pathlib import Path

from pyspark.errors import PySparkException
from pyspark.ml.classification import DecisionTreeClassifier, GBTClassifier, RandomForestClassifier
from pyspark.ml.linalg import Vectors
from pyspark.ml.regression import DecisionTreeRegressor, GBTRegressor, RandomForestRegressor
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

NOMINAL = {
    "ml_attr": {
        "attrs": {
            "numeric": [{"idx": 0}, {"idx": 1}],
            "nominal": [{"idx": 2, "num_vals": 4}, {"idx": 3, "num_vals": 12}],
        },
        "num_attrs": 4,
    }
}
WHOLE = {"bootstrap": False, "featureSubsetStrategy": "all", "numTrees": 2, "seed": 1}
"""A forest without chance: Spark's draws depend on its partitions."""


def rows(spark: SparkSession) -> DataFrame:
    """Two continuous features, categories 0-3 and 0-11; labels of two and of three classes, and numbers."""
    draw = random.Random(7)
    found = []
    for number in range(300):
        values = [
            draw.gauss(0, 1),
            float(draw.randrange(20)),
            float(draw.randrange(4)),
            float(draw.randrange(12)),
        ]
        score = values[0] + 0.1 * values[1] * (values[2] % 2) + (values[3] in (2, 5, 7)) + draw.gauss(0, 0.3)
        two, three = float(score > 1), float((score > 0.5) + (score > 1.5))
        found.append((two, three, score, Vectors.dense(values), 1.0 + number % 3, number % 5 == 0))
    columns = ["two", "three", "score", "features", "weight", "held"]
    frame = spark.createDataFrame(found, columns).coalesce(1)
    return frame.withColumn("mixed", F.col("features")).withMetadata("mixed", NOMINAL)


def text(model: object) -> list[str]:
    """The trees without the uid, numbers to nine digits: sums of other orders differ in the last ones."""
    plain = re.sub(r"uid ?= ?\w+", "uid", model.toDebugString)
    return re.sub(r"-?\d+\.\d+(E-?\d+)?", lambda number: f"{float(number[0]):.9g}", plain).splitlines()


def told(model: object) -> dict[str, object]:
    importances = [round(float(value), 9) for value in model.featureImportances.toArray()]
    return {"text": text(model), "importances": importances, "features": model.numFeatures}


def scored(model: object, frame: DataFrame) -> dict[str, object]:
    """The appended columns and what is known of them."""
    found = model.transform(frame)
    new = [field for field in found.schema.fields if field.name not in frame.columns]
    first = found.select(*(field.name for field in new)).limit(3).collect()
    return {
        "fields": [
            [field.name, field.dataType.simpleString(), field.nullable, field.metadata] for field in new
        ],
        "rows": [[_plain(value) for value in row] for row in first],
    }


def _plain(value: object) -> object:
    return [round(float(v), 9) for v in value] if hasattr(value, "toArray") else round(value, 9)


def trees(frame: DataFrame) -> dict[str, object]:
    mixed = {"featuresCol": "mixed"}
    models = {
        "gini": DecisionTreeClassifier(labelCol="two", maxDepth=3, leafCol="leaf"),
        "entropy": DecisionTreeClassifier(labelCol="three", impurity="entropy", maxDepth=3),
        "few bins": DecisionTreeClassifier(labelCol="three", maxBins=5, maxDepth=4),
        "weights": DecisionTreeClassifier(
            labelCol="two", weightCol="weight", maxDepth=3, minWeightFractionPerNode=0.1
        ),
        "limits": DecisionTreeClassifier(labelCol="two", minInstancesPerNode=20, minInfoGain=0.02),
        "stump": DecisionTreeClassifier(labelCol="two", maxDepth=0),
        "ordered categories": DecisionTreeClassifier(labelCol="two", maxDepth=4, **mixed),
        "unordered categories": DecisionTreeClassifier(labelCol="three", maxDepth=4, **mixed),
        "entropy of categories": DecisionTreeClassifier(
            labelCol="three", maxDepth=3, impurity="entropy", **mixed
        ),
        "numbers": DecisionTreeRegressor(labelCol="score", maxDepth=4, varianceCol="variance"),
        "numbers by category": DecisionTreeRegressor(labelCol="score", maxDepth=4, leafCol="leaf", **mixed),
        "weighted numbers": DecisionTreeRegressor(labelCol="score", weightCol="weight", maxDepth=2),
    }
    answers: dict[str, object] = {}
    for name, estimator in models.items():
        model = estimator.fit(frame)
        counts = {
            "depth": model.depth,
            "nodes": model.numNodes,
            "leaf": model.predictLeaf(frame.first().features),
        }
        answers[name] = {**told(model), **counts, "scored": scored(model, frame)}
    return answers


def ensembles(frame: DataFrame) -> dict[str, object]:
    small = {"maxDepth": 3, "maxIter": 4, "seed": 3}
    models = {
        "forest of classes": RandomForestClassifier(labelCol="three", maxDepth=3, leafCol="leaf", **WHOLE),
        "forest of numbers": RandomForestRegressor(labelCol="score", maxDepth=3, leafCol="leaf", **WHOLE),
        "boosted classes": GBTClassifier(labelCol="two", leafCol="leaf", **small),
        "boosted numbers": GBTRegressor(labelCol="score", featuresCol="mixed", **small),
        "absolute": GBTRegressor(labelCol="score", lossType="absolute", stepSize=0.3, **small),
        "weighted": GBTRegressor(labelCol="score", weightCol="weight", **small),
        "validated": GBTRegressor(
            labelCol="score", validationIndicatorCol="held", maxIter=40, maxDepth=4, stepSize=0.5, seed=1
        ),
    }
    answers: dict[str, object] = {}
    for name, estimator in models.items():
        model = estimator.fit(frame)
        first = frame.first().features
        answers[name] = {
            **told(model),
            "weights": model.treeWeights,
            "trees": [tree.numNodes for tree in model.trees],
            "nodes": model.totalNumNodes,
            "leaf": _plain(model.predictLeaf(first)),
            "predict": round(model.predict(first), 9),
            "scored": scored(model, frame),
        }
    return answers


def judged(frame: DataFrame) -> dict[str, object]:
    """Errors by iteration, the summary of a forest, thresholds, single predictions."""
    boosted = GBTClassifier(labelCol="two", maxDepth=3, maxIter=4).fit(frame)
    numbers = GBTRegressor(labelCol="score", maxDepth=3, maxIter=4).fit(frame)
    forest = RandomForestClassifier(labelCol="two", maxDepth=3, **WHOLE).fit(frame)
    first = frame.first().features
    tree = DecisionTreeClassifier(labelCol="three", maxDepth=2).setThresholds([0.2, 0.5, 0.3]).fit(frame)
    return {
        "logistic": [round(value, 9) for value in boosted.evaluateEachIteration(frame)],
        "absolute": [round(value, 9) for value in numbers.evaluateEachIteration(frame, "absolute")],
        "squared": [round(value, 9) for value in numbers.evaluateEachIteration(frame, "squared")],
        "summary": [round(forest.summary.accuracy, 9), round(forest.summary.areaUnderROC, 9)],
        "evaluate": round(forest.evaluate(frame.where("held")).accuracy, 9),
        "thresholds": tree.transform(frame).groupBy("prediction").count().orderBy("prediction").collect(),
        "one": [
            _plain(forest.predictRaw(first)),
            _plain(forest.predictProbability(first)),
            _plain(boosted.predictProbability(first)),
        ],
    }


def saved(frame: DataFrame, directory: Path) -> dict[str, object]:
    """A saved model is the same model when it is loaded."""
    answers = {}
    for estimator in (
        DecisionTreeClassifier(labelCol="three", featuresCol="mixed", maxDepth=3),
        DecisionTreeRegressor(labelCol="score", maxDepth=3),
        RandomForestClassifier(labelCol="three", maxDepth=2, **WHOLE),
        GBTClassifier(labelCol="two", maxDepth=2, maxIter=3),
        GBTRegressor(labelCol="score", featuresCol="mixed", maxDepth=2, maxIter=3),
    ):
        model = estimator.fit(frame)
        path = str(directory / type(model).__name__)
        model.write().overwrite().save(path)
        loaded = type(model).load(path)
        answers[type(model).__name__] = [
            text(loaded) == text(model),
            loaded.getMaxDepth(),
            loaded.transform(frame).select("prediction").collect()
            == model.transform(frame).select("prediction").collect(),
        ]
    return answers


def refused(spark: SparkSession, frame: DataFrame) -> dict[str, object]:
    cases = {
        "no label": lambda: DecisionTreeClassifier(labelCol="x").fit(frame),
        "no features": lambda: DecisionTreeClassifier(labelCol="two", featuresCol="x").fit(frame),
        "features are no vector": lambda: DecisionTreeRegressor(labelCol="two", featuresCol="score").fit(
            frame
        ),
        "label is a vector": lambda: DecisionTreeClassifier(labelCol="features").fit(frame),
        "negative": lambda: DecisionTreeClassifier(labelCol="n").fit(frame.withColumn("n", -F.col("two"))),
        "fraction": lambda: DecisionTreeClassifier(labelCol="score").fit(frame.where("score > 0")),
        "missing label": lambda: DecisionTreeRegressor(labelCol="n").fit(
            frame.withColumn("n", F.lit(None).cast("double"))
        ),
        "negative weight": lambda: DecisionTreeRegressor(labelCol="score", weightCol="n").fit(
            frame.withColumn("n", -F.col("weight"))
        ),
        "empty": lambda: DecisionTreeRegressor(labelCol="score").fit(frame.where("false")),
        "no rows, classes": lambda: RandomForestClassifier(labelCol="two").fit(frame.where("false")),
        "three classes": lambda: GBTClassifier(labelCol="three").fit(frame),
        "too many categories": lambda: DecisionTreeClassifier(
            labelCol="two", featuresCol="mixed", maxBins=5
        ).fit(frame),
        "output exists": lambda: DecisionTreeClassifier(labelCol="two", predictionCol="held").fit(frame),
        "loss": lambda: GBTRegressor(labelCol="score", lossType="huber").fit(frame),
        "impurity": lambda: DecisionTreeClassifier(labelCol="two", impurity="variance").fit(frame),
        "depth": lambda: DecisionTreeClassifier(labelCol="two", maxDepth=31).fit(frame),
        "subset": lambda: RandomForestClassifier(labelCol="two", featureSubsetStrategy="some").fit(frame),
    }
    return {name: _error(case) for name, case in cases.items()}


def _error(case: object) -> object:
    try:
        case()
    except PySparkException as error:
        plain = re.sub(r"\w+_[0-9a-f]{12,}", "UID", str(error).split("\n\nJVM")[0])
        return [type(error).__name__, error.getCondition(), re.sub(r"\n +Bad data point.*", "", plain)]
    return "no error"


def run(spark: SparkSession, directory: Path):
    frame = rows(spark).cache()
    return {
        "trees": trees(frame),
        "ensembles": ensembles(frame),
        "judged": judged(frame),
        "saved": saved(frame, directory),
        "refused": refused(spark, frame),
    }
