"""Every method of spark.catalog."""

from pathlib import Path
from typing import Any

from api_calls import Call, answers, shop
from pyspark.sql import SparkSession


def run(spark: SparkSession, directory: Path) -> Any:
    catalog = spark.catalog
    for view in catalog.listTables():
        catalog.dropTempView(view.name)
    spark.sql("CREATE DATABASE api_db COMMENT 'of the tests'")
    shop(spark).write.saveAsTable("api_db.orders")
    shop(spark).createOrReplaceTempView("api_view")
    try:
        return answers(CALLS, spark, directory)
    finally:
        catalog.setCurrentDatabase("default")
        spark.sql("DROP DATABASE IF EXISTS api_db CASCADE")


def cached(spark: SparkSession, _: Path) -> Any:
    catalog = spark.catalog
    states = [catalog.isCached("api_db.orders")]
    catalog.cacheTable("api_db.orders")
    states.append(catalog.isCached("api_db.orders"))
    catalog.uncacheTable("api_db.orders")
    states.append(catalog.isCached("api_db.orders"))
    catalog.clearCache()
    return states


def current_database(spark: SparkSession, _: Path) -> Any:
    before = spark.catalog.currentDatabase()
    spark.catalog.setCurrentDatabase("api_db")
    names = sorted(table.name for table in spark.catalog.listTables())
    spark.catalog.setCurrentDatabase("default")
    return [before, names]


def created(spark: SparkSession, directory: Path) -> Any:
    path = str(directory / "files")
    shop(spark).write.parquet(path)
    frame = spark.catalog.createTable("api_db.created", path, "parquet")
    return [frame.count(), spark.catalog.getTable("api_db.created").tableType]


def created_managed(spark: SparkSession, _: Path) -> Any:
    spark.catalog.createTable("api_db.managed", source="parquet", schema=shop(spark).schema, description="d")
    table = spark.catalog.getTable("api_db.managed")
    return [table.name, table.namespace, table.description, table.tableType, table.isTemporary]


def recreated(spark: SparkSession, _: Path) -> Any:
    spark.catalog.createTable("api_db.orders", source="parquet", schema=shop(spark).schema)


def dropped(spark: SparkSession, _: Path) -> Any:
    shop(spark).write.saveAsTable("api_db.gone")
    spark.catalog.dropTable("api_db.gone")
    return spark.catalog.tableExists("api_db.gone")


def databases(spark: SparkSession, _: Path) -> Any:
    catalog = spark.catalog
    catalog.createDatabase("api_other", ifNotExists=True)
    there = catalog.databaseExists("api_other")
    catalog.dropDatabase("api_other", ifExists=True, cascade=True)
    return [there, catalog.databaseExists("api_other")]


def truncated(spark: SparkSession, _: Path) -> Any:
    shop(spark).write.saveAsTable("api_db.short")
    spark.catalog.truncateTable("api_db.short")
    return spark.table("api_db.short").count()


def partitions(spark: SparkSession, _: Path) -> Any:
    shop(spark).write.partitionBy("id").saveAsTable("api_db.parts")
    return sorted(str(p) for p in spark.catalog.listPartitions("api_db.parts"))


def dropped_view(spark: SparkSession, _: Path) -> Any:
    spark.range(1).createOrReplaceTempView("api_short_lived")
    return [spark.catalog.dropTempView("api_short_lived"), spark.catalog.dropTempView("api_short_lived")]


def dropped_global(spark: SparkSession, _: Path) -> Any:
    spark.range(1).createOrReplaceGlobalTempView("api_short_lived")
    return [spark.catalog.dropGlobalTempView("api_short_lived"), spark.catalog.dropGlobalTempView("nothing")]


def column(each: Any) -> list[Any]:
    return [each.name, each.dataType, each.nullable, each.isPartition, each.isBucket, each.description]


def table(each: Any) -> list[Any]:
    return [each.name, each.catalog, each.namespace, each.description, each.tableType, each.isTemporary]


CALLS: dict[str, Call] = {
    "currentCatalog": lambda s, _: s.catalog.currentCatalog(),
    "setCurrentCatalog": lambda s, _: s.catalog.setCurrentCatalog("spark_catalog"),
    "setCurrentCatalog.unknown": lambda s, _: s.catalog.setCurrentCatalog("nowhere"),
    "listCatalogs": lambda s, _: [c.name for c in s.catalog.listCatalogs()],
    "currentDatabase": current_database,
    "setCurrentDatabase.unknown": lambda s, _: s.catalog.setCurrentDatabase("nowhere"),
    "listDatabases": lambda s, _: sorted(d.name for d in s.catalog.listDatabases()),
    "listDatabases.pattern": lambda s, _: [
        [d.name, d.catalog, d.description] for d in s.catalog.listDatabases("api*")
    ],
    "getDatabase": lambda s, _: [
        s.catalog.getDatabase("api_db").name,
        s.catalog.getDatabase("api_db").description,
    ],
    "getDatabase.unknown": lambda s, _: s.catalog.getDatabase("nowhere"),
    "databaseExists": lambda s, _: [s.catalog.databaseExists(n) for n in ("api_db", "nowhere")],
    "createDatabase": databases,
    "listTables": lambda s, _: sorted((table(t) for t in s.catalog.listTables("api_db")), key=str),
    "listTables.pattern": lambda s, _: [t.name for t in s.catalog.listTables("api_db", "ord*")],
    "listTables.unknown": lambda s, _: s.catalog.listTables("nowhere"),
    "getTable": lambda s, _: table(s.catalog.getTable("api_db.orders")),
    "getTable.view": lambda s, _: table(s.catalog.getTable("api_view")),
    "getTable.unknown": lambda s, _: s.catalog.getTable("api_db.nothing"),
    "tableExists": lambda s, _: [s.catalog.tableExists(n) for n in ("api_db.orders", "api_view", "nothing")],
    "tableExists.database": lambda s, _: s.catalog.tableExists("orders", "api_db"),
    "listColumns": lambda s, _: [column(c) for c in s.catalog.listColumns("api_db.orders")],
    "listColumns.view": lambda s, _: [column(c) for c in s.catalog.listColumns("api_view")],
    "listColumns.unknown": lambda s, _: s.catalog.listColumns("nothing"),
    "listFunctions": lambda s, _: sorted(f.name for f in s.catalog.listFunctions(pattern="array_d*")),
    "getFunction": lambda s, _: [s.catalog.getFunction("abs").name, s.catalog.getFunction("abs").isTemporary],
    "getFunction.unknown": lambda s, _: s.catalog.getFunction("nothing"),
    "functionExists": lambda s, _: [s.catalog.functionExists(n) for n in ("abs", "nothing")],
    "registerFunction": lambda s, _: [
        s.catalog.registerFunction("api_twice", lambda x: x * 2, "int") is not None,
        s.sql("SELECT api_twice(4)").first()[0],
    ],
    "createTable": created,
    "createTable.managed": created_managed,
    "createTable.exists": recreated,
    "createExternalTable": lambda s, d: [
        shop(s).write.parquet(str(d / "f")),
        s.catalog.createExternalTable("api_db.external", str(d / "f"), "parquet").count(),
    ],
    "dropTable": dropped,
    "dropTable.unknown": lambda s, _: s.catalog.dropTable("api_db.nothing"),
    "dropTable.ifExists": lambda s, _: s.catalog.dropTable("api_db.nothing", ifExists=True),
    "dropTempView": dropped_view,
    "dropGlobalTempView": dropped_global,
    "dropView": lambda s, _: [
        s.sql("CREATE VIEW api_db.v AS SELECT 1 AS x").isStreaming,
        s.catalog.dropView("api_db.v"),
        s.catalog.tableExists("api_db.v"),
    ],
    "listViews": lambda s, _: sorted(v.name for v in s.catalog.listViews()),
    "cacheTable": cached,
    "cacheTable.unknown": lambda s, _: s.catalog.cacheTable("nothing"),
    "isCached.unknown": lambda s, _: s.catalog.isCached("nothing"),
    "uncacheTable.unknown": lambda s, _: s.catalog.uncacheTable("nothing"),
    "refreshTable": lambda s, _: s.catalog.refreshTable("api_db.orders"),
    "refreshTable.unknown": lambda s, _: s.catalog.refreshTable("nothing"),
    "refreshByPath": lambda s, d: s.catalog.refreshByPath(str(d)),
    "recoverPartitions": lambda s, _: s.catalog.recoverPartitions("api_db.orders"),
    "listPartitions": partitions,
    "truncateTable": truncated,
    "analyzeTable": lambda s, _: s.catalog.analyzeTable("api_db.orders"),
    "getTableProperties": lambda s, _: sorted(s.catalog.getTableProperties("api_db.orders")),
    "getCreateTableString": lambda s, _: s.catalog.getCreateTableString("api_db.orders").split("(")[0],
}
