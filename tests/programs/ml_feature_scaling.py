"""Scalers, Imputer and buckets: what they learn, how they round, and what they say to nulls and NaN."""

from pathlib import Path

from ml_answers import Cases, answers, people, vectors
from pyspark.ml.feature import (
    Bucketizer,
    Imputer,
    MaxAbsScaler,
    MinMaxScaler,
    QuantileDiscretizer,
    RobustScaler,
    StandardScaler,
    VectorAssembler,
)
from pyspark.ml.linalg import Vectors
from pyspark.sql import SparkSession

NAN = float("nan")


def run(spark: SparkSession, directory: Path):
    return answers(
        {**scaling(spark), **robust(spark), **imputing(spark), **buckets(spark), **quantiles(spark)}
    )


def scaling(spark: SparkSession) -> Cases:
    frame = vectors(spark)
    named = VectorAssembler(inputCols=["x", "n"], outputCol="v").transform(people(spark))
    odd = spark.createDataFrame(
        [
            (Vectors.dense(NAN, 1.0, 5.0),),
            (Vectors.dense(2.0, NAN, 5.0),),
            (Vectors.dense(4.0, float("inf"), 5.0),),
        ],
        ["v"],
    )
    uneven = spark.createDataFrame([(Vectors.dense(1.0, 2.0),), (Vectors.dense(1.0),)], ["v"])
    none = frame.where("id > 100")
    scalers = {
        "standard": StandardScaler,
        "min max": MinMaxScaler,
        "max abs": MaxAbsScaler,
        "robust": RobustScaler,
    }

    def fitted(kind, source, **options):
        return scalers[kind](inputCol="v", outputCol="out", **options).fit(source)

    def standard(source=frame, **options):
        return fitted("standard", source, **options)

    same = {}
    for kind in scalers:
        same |= {
            f"{kind}": lambda kind=kind: fitted(kind, frame).transform(frame),
            f"{kind} attributes": lambda kind=kind: fitted(kind, named).transform(named),
            f"{kind} nan": lambda kind=kind: fitted(kind, odd).transform(odd),
            f"{kind} nothing": lambda kind=kind: fitted(kind, none),
            f"{kind} of number": lambda kind=kind: scalers[kind](inputCol="x", outputCol="out").fit(
                people(spark)
            ),
            f"{kind} missing": lambda kind=kind: scalers[kind](inputCol="nope", outputCol="out").fit(frame),
            f"{kind} exists": lambda kind=kind: scalers[kind](inputCol="v", outputCol="id").fit(frame),
            f"{kind} one row": lambda kind=kind: fitted(kind, frame.limit(1)).transform(frame.limit(1)),
        }
    return {
        **same,
        "standard mean": lambda: standard(withMean=True).transform(frame),
        "standard only mean": lambda: standard(withMean=True, withStd=False).transform(frame),
        "standard neither": lambda: standard(withStd=False).transform(frame),
        "standard model": lambda: [standard().mean, standard().std],
        "standard wrong size": lambda: standard(named).transform(frame.select("v")).collect(),
        "standard uneven": lambda: standard(uneven),
        "min max model": lambda: [fitted("min max", frame).originalMin, fitted("min max", frame).originalMax],
        "min max other": lambda: fitted("min max", frame, min=-2.0, max=5.0).transform(frame),
        "min max wrong": lambda: fitted("min max", frame, min=2.0, max=1.0),
        "max abs model": lambda: fitted("max abs", frame).maxAbs,
    }


def robust(spark: SparkSession) -> Cases:
    frame = vectors(spark)

    def fitted(**options):
        return RobustScaler(inputCol="v", outputCol="out", **options).fit(frame)

    many = spark.range(3000).selectExpr("id", "CAST(id * 7919 % 3001 AS DOUBLE) x").repartition(1)
    many = VectorAssembler(inputCols=["x"], outputCol="v").transform(many)
    return {
        "robust centered": lambda: fitted(withCentering=True).transform(frame),
        "robust only centered": lambda: fitted(withCentering=True, withScaling=False).transform(frame),
        "robust model": lambda: [fitted().median, fitted().range],
        "robust wide": lambda: fitted(lower=0.1, upper=0.9).range,
        "robust wrong": lambda: fitted(lower=0.9, upper=0.1),
        "robust many": lambda: [
            RobustScaler(inputCol="v", outputCol="o", relativeError=error).fit(many).range
            for error in (0.001, 0.05)
        ],
    }


def imputing(spark: SparkSession) -> Cases:
    rows = [
        (1.0, 4, None, NAN, 2.0),
        (2.0, None, None, 3.0, 1.0),
        (NAN, 4, None, None, 2.0),
        (None, 1, None, 5.0, 1.0),
        (-1.0, 9, None, -1.0, 3.0),
    ]
    frame = spark.createDataFrame(rows, "a double, b int, c double, d float, m double")

    def imputer(**options):
        return Imputer(**{"inputCols": ["a", "b", "d"], "outputCols": ["ao", "bo", "do"], **options})

    def one(**options):
        return Imputer(inputCol="m", outputCol="out", **options)

    return {
        **{
            f"impute {strategy}": (
                lambda strategy=strategy: imputer(strategy=strategy).fit(frame).transform(frame)
            )
            for strategy in ("mean", "median", "mode")
        },
        **{
            f"surrogates {strategy}": (
                lambda strategy=strategy: imputer(strategy=strategy).fit(frame).surrogateDF
            )
            for strategy in ("mean", "median", "mode")
        },
        "impute other missing": lambda: imputer(missingValue=-1.0).fit(frame).transform(frame),
        "impute mode tie": lambda: one(strategy="mode", missingValue=3.0).fit(frame).transform(frame),
        "impute one": lambda: one(missingValue=3.0).fit(frame).transform(frame),
        "impute all null": lambda: Imputer(inputCols=["c"], outputCols=["out"]).fit(frame),
        "impute string": lambda: Imputer(inputCols=["who"], outputCols=["out"]).fit(people(spark)),
        "impute missing": lambda: Imputer(inputCols=["nope"], outputCols=["out"]).fit(frame),
        "impute exists": lambda: Imputer(inputCols=["a"], outputCols=["b"]).fit(frame).transform(frame),
        "impute onto itself": lambda: Imputer(inputCols=["a"], outputCols=["a"]).fit(frame).transform(frame),
        "impute nothing": lambda: imputer().fit(frame.limit(0)),
        "impute uneven": lambda: imputer(outputCols=["x"]).fit(frame),
        "impute wrong strategy": lambda: imputer(strategy="max").fit(frame),
        "impute decimal": lambda: (
            Imputer(inputCol="d", outputCol="o")
            .fit(spark.sql("SELECT 1.50BD d UNION ALL SELECT NULL UNION ALL SELECT 2.25BD"))
            .transform(spark.sql("SELECT CAST(NULL AS DECIMAL(5,2)) d"))
        ),
        "impute bool": lambda: Imputer(inputCol="ok", outputCol="o").fit(people(spark)),
    }


def buckets(spark: SparkSession) -> Cases:
    inf = float("inf")
    frame = spark.createDataFrame(
        [(0, -0.5), (1, 0.0), (2, 0.4), (3, 1.0), (4, 2.0), (5, NAN), (6, None), (7, 99.0)],
        "id int, x double",
    )
    inside = frame.where("id < 5")

    def cut(source, splits, **options):
        return Bucketizer(inputCol="x", outputCol="out", splits=splits, **options).transform(source)

    wide = [-inf, 0.0, 1.0, inf]
    return {
        "bucket": lambda: cut(inside, wide),
        "bucket closed end": lambda: cut(inside, [-0.5, 0.0, 1.0, 2.0]),
        "bucket nan": lambda: cut(frame.where("id = 5"), wide).collect(),
        "bucket null": lambda: cut(frame.where("id = 6"), wide).collect(),
        "bucket nan kept": lambda: cut(frame, wide, handleInvalid="keep"),
        "bucket nan skipped": lambda: cut(frame, wide, handleInvalid="skip"),
        "bucket outside": lambda: cut(inside, [0.0, 1.0, 3.0]).collect(),
        "bucket outside kept": lambda: cut(inside, [0.0, 1.0, 3.0], handleInvalid="keep").collect(),
        "bucket two splits": lambda: cut(inside, [0.0, 1.0]),
        "bucket unordered": lambda: cut(inside, [0.0, 2.0, 1.0]),
        "bucket many": lambda: Bucketizer(
            inputCols=["x", "id"],
            outputCols=["a", "b"],
            splitsArray=[wide, [0.0, 2.0, 9.0]],
            handleInvalid="keep",
        ).transform(frame),
        "bucket many skipped": lambda: Bucketizer(
            inputCols=["x", "id"],
            outputCols=["a", "b"],
            splitsArray=[wide, [0.0, 2.0, 9.0]],
            handleInvalid="skip",
        ).transform(frame),
        "bucket many uneven": lambda: Bucketizer(
            inputCols=["x", "id"], outputCols=["a", "b"], splitsArray=[wide]
        ).transform(frame),
        "bucket integers": lambda: Bucketizer(
            inputCol="id", outputCol="out", splits=[0.0, 2.0, 9.0]
        ).transform(frame),
        "bucket string": lambda: Bucketizer(inputCol="who", outputCol="out", splits=wide).transform(
            people(spark)
        ),
        "bucket missing": lambda: Bucketizer(inputCol="nope", outputCol="out", splits=wide).transform(frame),
        "bucket exists": lambda: Bucketizer(inputCol="x", outputCol="id", splits=wide).transform(frame),
        "bucket both forms": lambda: Bucketizer(
            inputCol="x", outputCol="out", splits=wide, inputCols=["x"], outputCols=["b"]
        ).transform(frame),
        "bucket no rows": lambda: cut(frame.where("id > 99"), wide),
    }


def quantiles(spark: SparkSession) -> Cases:
    frame = (
        spark.range(20)
        .selectExpr(
            "id",
            "CAST(id * id % 23 AS DOUBLE) x",
            "IF(id % 5 = 0, NULL, IF(id % 7 = 0, double('NaN'), id / 3)) y",
        )
        .repartition(1)
    )
    same = spark.range(9).selectExpr("id", "CAST(id DIV 7 AS DOUBLE) x").repartition(1)
    many = spark.range(5000).selectExpr("id", "CAST(id * 7919 % 5003 AS DOUBLE) x").repartition(1)

    def discretizer(**options):
        return QuantileDiscretizer(**{"inputCol": "x", "outputCol": "out", **options})

    def both(**options):
        return QuantileDiscretizer(inputCols=["x", "y"], outputCols=["a", "b"], **options)

    return {
        "quantiles": lambda: discretizer(numBuckets=4).fit(frame).transform(frame.orderBy("id")),
        "quantile splits": lambda: discretizer(numBuckets=4).fit(frame).getSplits(),
        "quantile same": lambda: discretizer(numBuckets=5).fit(same).getSplits(),
        "quantile many": lambda: [
            discretizer(numBuckets=7, relativeError=error).fit(many).getSplits()
            for error in (0.0, 0.001, 0.02)
        ],
        "quantile both": lambda: (
            both(numBuckets=3, handleInvalid="keep").fit(frame).transform(frame.orderBy("id"))
        ),
        "quantile both own": lambda: (
            both(numBucketsArray=[2, 4], handleInvalid="keep").fit(frame).getSplitsArray()
        ),
        "quantile nan": lambda: discretizer(inputCol="y", numBuckets=3).fit(frame).transform(frame).collect(),
        "quantile skip": lambda: (
            discretizer(inputCol="y", numBuckets=3, handleInvalid="skip")
            .fit(frame)
            .transform(frame.orderBy("id"))
        ),
        "quantile nothing": lambda: discretizer(numBuckets=3).fit(frame.limit(0)).getSplits(),
        "quantile one bucket": lambda: discretizer(numBuckets=1).fit(frame).getSplits(),
        "quantile string": lambda: discretizer(inputCol="who").fit(people(spark)),
        "quantile integers": lambda: discretizer(inputCol="n", numBuckets=2).fit(people(spark)).getSplits(),
    }
