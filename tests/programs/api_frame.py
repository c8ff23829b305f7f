"""Every method of DataFrame and GroupedData, called once on a batch."""

from pathlib import Path
from typing import Any

from api_calls import Call, answers, shop
from pyspark.sql import Observation, SparkSession
from pyspark.sql import functions as F
from pyspark.storagelevel import StorageLevel


def run(spark: SparkSession, directory: Path) -> Any:
    return answers(CALLS, spark, directory)


def views(create: str) -> Call:
    def call(spark: SparkSession, _: Path) -> Any:
        name = f"api_{create}"
        getattr(shop(spark), create)(name)
        prefix = "global_temp." if "Global" in create else ""
        return spark.table(prefix + name).where("id = 1")

    return call


def observe(spark: SparkSession, _: Path) -> Any:
    observation = Observation("metrics")
    shop(spark).observe(observation, F.count("*").alias("rows"), F.max("price").alias("most")).collect()
    return observation.get


def persist(spark: SparkSession, _: Path) -> Any:
    frame = shop(spark).persist(StorageLevel.MEMORY_ONLY)
    levels = [str(frame.storageLevel), frame.is_cached]
    return [*levels, str(frame.unpersist(blocking=True).storageLevel)]


def merge_into(spark: SparkSession, _: Path) -> Any:
    shop(spark).mergeInto("no_such_table", F.col("id") == 1).whenMatched().delete().merge()


def printed(frame: Any) -> str:
    """What show() prints, which a client writes to its own output."""
    return frame._show_string(20, True, False)


def cogrouped(spark: SparkSession, _: Path) -> Any:
    left, right = shop(spark).groupBy("id"), shop(spark).groupBy("id")
    return left.cogroup(right).applyInPandas(
        lambda a, b: a.head(1), "id int, who string, kind string, price double"
    )


CALLS: dict[str, Call] = {
    "agg": lambda s, _: shop(s).agg({"price": "sum", "id": "max"}),
    "alias": lambda s, _: shop(s).alias("o").select("o.id"),
    "asTable": lambda s, _: [type(shop(s).asTable().partitionBy("id")).__name__],
    "cache": lambda s, _: [str(shop(s).cache().storageLevel), shop(s).unpersist().is_cached],
    "coalesce": lambda s, _: shop(s).coalesce(1),
    "colRegex": lambda s, _: shop(s).select(shop(s).colRegex("`(id|who)`")),
    "collect": lambda s, _: [tuple(row) for row in shop(s).collect()],
    "columns": lambda s, _: shop(s).columns,
    "count": lambda s, _: shop(s).count(),
    "createGlobalTempView": views("createGlobalTempView"),
    "createOrReplaceGlobalTempView": views("createOrReplaceGlobalTempView"),
    "createOrReplaceTempView": views("createOrReplaceTempView"),
    "createTempView": views("createTempView"),
    "crossJoin": lambda s, _: s.range(2).crossJoin(s.range(2).toDF("other")),
    "cube": lambda s, _: shop(s).cube("kind").agg(F.count("*"), F.grouping("kind")),
    "describe": lambda s, _: shop(s).describe("id", "price"),
    "distinct": lambda s, _: shop(s).select("kind").distinct(),
    "drop": lambda s, _: shop(s).drop("who", F.col("kind")),
    "dropDuplicates": lambda s, _: (
        shop(s).select("id", "price").groupBy("id").agg(F.count("*")).dropDuplicates(["id"])
    ),
    "drop_duplicates": lambda s, _: shop(s).select("id").drop_duplicates(),
    "dropDuplicatesWithinWatermark": lambda s, _: shop(s).dropDuplicatesWithinWatermark(["id"]),
    "dropna": lambda s, _: shop(s).dropna(),
    "dtypes": lambda s, _: shop(s).dtypes,
    "exceptAll": lambda s, _: s.range(3).exceptAll(s.range(1)),
    "exists": lambda s, _: shop(s).where(s.range(1).where("id = 0").exists()),
    "explain": lambda s, _: shop(s)._explain_string() != "",
    "fillna": lambda s, _: shop(s).fillna({"who": "?", "price": 0.0}),
    "filter": lambda s, _: shop(s).filter("price > 2"),
    "first": lambda s, _: tuple(s.range(3).first()),
    "foreach": lambda s, _: shop(s).foreach(lambda row: None),
    "foreachPartition": lambda s, _: shop(s).foreachPartition(lambda rows: None),
    "groupBy": lambda s, _: shop(s).groupBy("kind").count(),
    "groupingSets": lambda s, _: shop(s).groupingSets([["kind"], []], "kind").agg(F.count("*")),
    "head": lambda s, _: [tuple(row) for row in s.range(3).head(2)],
    "hint": lambda s, _: shop(s).hint("broadcast").select("id"),
    "inputFiles": lambda s, d: written(s, d).inputFiles() != [],
    "intersect": lambda s, _: s.range(3).intersect(s.range(1, 5)),
    "intersectAll": lambda s, _: s.range(3).intersectAll(s.range(1, 5)),
    "isEmpty": lambda s, _: [s.range(0).isEmpty(), s.range(1).isEmpty()],
    "isLocal": lambda s, _: shop(s).isLocal(),
    "isStreaming": lambda s, _: shop(s).isStreaming,
    "is_cached": lambda s, _: shop(s).is_cached,
    "join": lambda s, _: [
        shop(s).join(s.range(2).toDF("id"), "id", how)
        for how in ("inner", "left", "right", "full", "semi", "anti")
    ],
    "lateralJoin": lambda s, _: s.range(2).lateralJoin(s.tvf.explode(F.array(F.col("id").outer(), F.lit(7)))),
    "limit": lambda s, _: s.range(5).limit(2),
    "localCheckpoint": lambda s, _: s.range(3).localCheckpoint(),
    "mapInArrow": lambda s, _: s.range(3).mapInArrow(lambda batches: batches, "id long"),
    "mapInPandas": lambda s, _: s.range(3).mapInPandas(lambda frames: frames, "id long"),
    "melt": lambda s, _: shop(s).melt("id", ["who", "kind"], "name", "text"),
    "mergeInto": merge_into,
    "metadataColumn": lambda s, d: (
        written(s, d)
        .select(written(s, d).metadataColumn("_metadata").getField("file_name").isNotNull().alias("named"))
        .distinct()
    ),
    "na": lambda s, _: shop(s).na.drop(),
    "nearestByJoin": lambda s, _: shop(s).nearestByJoin(
        s.range(3).toDF("n"), F.abs(F.col("id") - F.col("n")), 1, mode="exact", direction="distance"
    ),
    "observe": observe,
    "offset": lambda s, _: s.range(5).orderBy("id").offset(3),
    "orderBy": lambda s, _: [tuple(row) for row in shop(s).orderBy(F.desc("id"), "who").collect()],
    "persist": persist,
    "printSchema": lambda s, _: (
        shop(s)._tree_string() if hasattr(shop(s), "_tree_string") else shop(s).schema.treeString()
    ),
    "randomSplit": lambda s, _: sum(part.count() for part in s.range(100).randomSplit([1.0, 2.0], 7)),
    "registerTempTable": lambda s, _: [
        shop(s).registerTempTable("api_registered"),
        s.table("api_registered").count(),
    ],
    "repartition": lambda s, _: shop(s).repartition(2, "id").select("id"),
    "repartitionById": lambda s, _: shop(s).repartitionById(2, F.col("id")).select("id"),
    "repartitionByRange": lambda s, _: shop(s).repartitionByRange(2, "id").select("id"),
    "replace": lambda s, _: shop(s).replace({"fruit": "veg"}, subset=["kind"]),
    "rollup": lambda s, _: shop(s).rollup("kind", "id").count(),
    "sameSemantics": lambda s, _: [
        s.range(3).sameSemantics(s.range(3)),
        s.range(3).sameSemantics(s.range(4)),
    ],
    "sample": lambda s, _: s.range(1000).sample(0.5, seed=3).count() > 300,
    "sampleBy": lambda s, _: shop(s).sampleBy("kind", {"fruit": 1.0}, seed=1),
    "scalar": lambda s, _: (
        shop(s).where(F.col("id") == s.range(4).agg(F.max("id").cast("int")).scalar()).select("id")
    ),
    "schema": lambda s, _: shop(s).schema.json(),
    "select": lambda s, _: shop(s).select("id", F.upper("who").alias("W"), "*"),
    "selectExpr": lambda s, _: shop(s).selectExpr("id + 1", "price * 2 as twice"),
    "semanticHash": lambda s, _: s.range(3).semanticHash() == s.range(3).semanticHash(),
    "show": lambda s, _: printed(shop(s).orderBy("id", "who")),
    "sort": lambda s, _: [tuple(row) for row in shop(s).sort("price").collect()],
    "sortWithinPartitions": lambda s, _: shop(s).sortWithinPartitions("id"),
    "sparkSession": lambda s, _: shop(s).sparkSession is s,
    "stat": lambda s, _: shop(s).stat.corr("id", "id"),
    "storageLevel": lambda s, _: str(shop(s).storageLevel),
    "subtract": lambda s, _: s.range(3).subtract(s.range(1)),
    "summary": lambda s, _: shop(s).summary("count", "min", "max"),
    "tail": lambda s, _: [tuple(row) for row in s.range(5).tail(2)],
    "take": lambda s, _: [tuple(row) for row in s.range(5).take(2)],
    "toArrow": lambda s, _: s.range(3).toArrow().to_pylist(),
    "toDF": lambda s, _: s.range(2).toDF("n"),
    "toJSON": lambda s, _: s.range(2).toJSON().collect() if hasattr(s.range(2).toJSON(), "collect") else None,
    "toLocalIterator": lambda s, _: [tuple(row) for row in s.range(3).toLocalIterator()],
    "toPandas": lambda s, _: s.range(3).toPandas().to_dict("records"),
    "to": lambda s, _: shop(s).select("price", "id").to(shop(s).select("id", "price").schema),
    "transform": lambda s, _: s.range(3).transform(lambda frame, by: frame.where(F.col("id") > by), 1),
    "transpose": lambda s, _: s.createDataFrame(
        [("a", 1, 2), ("b", 3, 4)], "k string, x int, y int"
    ).transpose(),
    "transpose.by": lambda s, _: s.createDataFrame([(1, "a"), (3, "b")], "x int, k string").transpose("k"),
    "union": lambda s, _: s.range(2).union(s.range(1)),
    "unionAll": lambda s, _: s.range(2).unionAll(s.range(1)),
    "unionByName": lambda s, _: (
        s.range(1).toDF("a").unionByName(s.range(1).toDF("b"), allowMissingColumns=True)
    ),
    "unpivot": lambda s, _: shop(s).unpivot("id", ["who", "kind"], "name", "text"),
    "unpivot.rest": lambda s, _: s.sql("SELECT 1 AS id, CAST(NULL AS INT) AS a, 2 AS b").unpivot(
        "id", None, "k", "v"
    ),
    "unpivot.mixed": lambda s, _: shop(s).unpivot("id", ["who", "price"], "k", "v"),
    "where": lambda s, _: shop(s).where(F.col("price").isNull()),
    "withColumn": lambda s, _: shop(s).withColumn("twice", F.col("price") * 2),
    "withColumnRenamed": lambda s, _: shop(s).withColumnRenamed("who", "name"),
    "withColumns": lambda s, _: shop(s).withColumns({"a": F.lit(1), "id": F.lit("x")}),
    "withColumnsRenamed": lambda s, _: shop(s).withColumnsRenamed({"id": "a", "who": "b"}),
    "withMetadata": lambda s, _: shop(s).withMetadata("id", {"unit": "n"}).schema["id"].metadata,
    "withWatermark": lambda s, _: (
        s.sql("SELECT TIMESTAMP'2026-01-01' AS t")
        .withWatermark("t", "1 minute")
        .select(F.col("t").cast("string"))
    ),
    "zipWithIndex": lambda s, _: s.range(3, numPartitions=1).zipWithIndex(),
    "groups.agg": lambda s, _: (
        shop(s).groupBy("kind").agg(F.sum("price").alias("total"), F.sort_array(F.collect_set("id")))
    ),
    "groups.apply": lambda s, _: (
        shop(s).groupBy("id").applyInPandas(lambda frame: frame.head(1)[["id"]], "id int")
    ),
    "groups.applyInArrow": lambda s, _: (
        shop(s).groupBy("id").applyInArrow(lambda table: table.slice(0, 1), shop(s).schema).select("id")
    ),
    "groups.avg": lambda s, _: shop(s).groupBy("kind").avg("price"),
    "groups.cogroup": cogrouped,
    "groups.count": lambda s, _: shop(s).groupBy().count(),
    "groups.max": lambda s, _: shop(s).groupBy("kind").max("id", "price"),
    "groups.mean": lambda s, _: shop(s).groupBy("kind").mean(),
    "groups.min": lambda s, _: shop(s).groupBy("kind").min("price"),
    "groups.pivot": lambda s, _: shop(s).groupBy("id").pivot("kind").sum("price"),
    "groups.pivot.values": lambda s, _: (
        shop(s).groupBy("id").pivot("kind", ["fruit"]).agg(F.sum("price"), F.count("id"))
    ),
    "groups.sum": lambda s, _: shop(s).groupBy("kind").sum(),
    "histogram_numeric": lambda s, _: (
        s.range(10)
        .coalesce(1)
        .groupBy((F.col("id") % 2).alias("odd"))
        .agg(F.histogram_numeric("id", F.lit(3)), F.count("*"))
    ),
    "histogram_numeric.sql": lambda s, _: s.sql(
        "SELECT histogram_numeric(x, 5) FROM VALUES (0), (1), (2), (10) AS t(x)"
    ),
    "bitmap_construct_agg": lambda s, _: s.range(3).agg(
        F.substring(F.hex(F.bitmap_construct_agg(F.bitmap_bit_position("id"))), 0, 6)
    ),
    "grouping_id": lambda s, _: shop(s).cube("kind", "id").agg(F.grouping_id(), F.count("*")),
    "hll_sketch": lambda s, _: s.range(50).agg(F.hll_sketch_estimate(F.hll_sketch_agg("id", 12))),
    "count_min_sketch": lambda s, _: s.range(3).agg(
        F.length(F.hex(F.count_min_sketch("id", F.lit(0.5), F.lit(0.5), F.lit(1))))
    ),
    "percentiles": lambda s, _: s.range(9).agg(
        F.percentile("id", 0.25),
        F.percentile_approx("id", [0.5, 0.9]),
        F.median("id"),
        F.mode(F.col("id") % 2),
    ),
}


def written(spark: SparkSession, directory: Path) -> Any:
    path = str(directory / "orders")
    shop(spark).write.mode("overwrite").parquet(path)
    return spark.read.parquet(path)
