"""SparkSession, its settings and its user-defined functions."""

import uuid
from pathlib import Path
from typing import Any

from api_calls import Call, answers, shop
from pyspark.sql import SparkSession
from pyspark.sql import functions as F


def run(spark: SparkSession, directory: Path) -> Any:
    return answers(CALLS, spark, directory)


def tags(spark: SparkSession, _: Path) -> Any:
    spark.addTag("api_tag")
    held = sorted(spark.getTags())
    spark.removeTag("api_tag")
    spark.addTag("another")
    spark.clearTags()
    return [held, sorted(spark.getTags())]


def interrupts(spark: SparkSession, _: Path) -> Any:
    return [spark.interruptTag("nothing"), spark.interruptOperation(str(uuid.uuid4()))]


def artifact(spark: SparkSession, directory: Path) -> Any:
    (directory / "api_module.py").write_text("ANSWER = 42\n")
    spark.addArtifact(str(directory / "api_module.py"), pyfile=True)

    def answer(_: int) -> int:
        import api_module

        return api_module.ANSWER

    return spark.range(1).select(F.udf(answer, "int")("id").alias("answer"))


def clone(spark: SparkSession, _: Path) -> Any:
    spark.conf.set("spark.sql.ansi.enabled", "true")
    shop(spark).createOrReplaceTempView("api_cloned")
    twin = spark.cloneSession()
    return [twin.session_id != spark.session_id, twin.table("api_cloned").count()]


def progress(spark: SparkSession, _: Path) -> Any:
    def handler(*arguments: Any, **named: Any) -> None: ...

    spark.registerProgressHandler(handler)
    spark.range(3).collect()
    spark.removeProgressHandler(handler)
    spark.clearProgressHandlers()


def udtf(spark: SparkSession, _: Path) -> Any:
    class Squares:
        def eval(self, n: int) -> Any:
            for i in range(n):
                yield i, i * i

    spark.udtf.register("api_squares", F.udtf(Squares, returnType="n int, square int"))
    return spark.sql("SELECT * FROM api_squares(3)")


def data_source(spark: SparkSession, _: Path) -> Any:
    from pyspark.sql.datasource import DataSource, DataSourceReader

    class Reader(DataSourceReader):
        def read(self, partition: Any) -> Any:
            yield from [(1,), (2,)]

    class Numbers(DataSource):
        @classmethod
        def name(cls) -> str:
            return "api_numbers"

        def schema(self) -> str:
            return "n int"

        def reader(self, schema: Any) -> Any:
            return Reader()

    spark.dataSource.register(Numbers)
    return spark.read.format("api_numbers").load()


def isolated(spark: SparkSession, _: Path) -> Any:
    spark.conf.set("spark.sql.shuffle.partitions", "3")
    value = spark.conf.get("spark.sql.shuffle.partitions")
    spark.conf.unset("spark.sql.shuffle.partitions")
    spark.conf.set("spark.sql.shuffle.partitions", "1")
    return value


CALLS: dict[str, Call] = {
    "active": lambda s, _: type(SparkSession.active()).__name__,
    "getActiveSession": lambda s, _: SparkSession.getActiveSession() is not None,
    "version": lambda s, _: s.version.rsplit(".", 1)[0],
    "is_stopped": lambda s, _: s.is_stopped,
    "session_id": lambda s, _: str(uuid.UUID(s.session_id)) == s.session_id,
    "conf.get": lambda s, _: s.conf.get("spark.sql.ansi.enabled"),
    "conf.get.default": lambda s, _: s.conf.get("api.nothing", "d"),
    "conf.get.unknown": lambda s, _: s.conf.get("api.nothing"),
    "conf.set": isolated,
    "conf.set.static": lambda s, _: s.conf.set("spark.sql.warehouse.dir", "/x"),
    "conf.isModifiable": lambda s, _: [
        s.conf.isModifiable(k) for k in ("spark.sql.ansi.enabled", "spark.sql.warehouse.dir", "api.nothing")
    ],
    "conf.getAll": lambda s, _: isinstance(dict(s.conf.getAll), dict),
    "range": lambda s, _: s.range(1, 7, 2),
    "emptyDataFrame": lambda s, _: s.emptyDataFrame(),
    "sql": lambda s, _: s.sql("SELECT :a AS x", {"a": 3}),
    "sql.positional": lambda s, _: s.sql("SELECT ? AS x, ? AS y", [1, "b"]),
    "sql.frames": lambda s, _: s.sql("SELECT count(*) AS n FROM {orders}", orders=shop(s)),
    "sql.error": lambda s, _: s.sql("SELEC 1"),
    "table": lambda s, _: [shop(s).createOrReplaceTempView("api_table"), s.table("api_table").count()],
    "table.unknown": lambda s, _: s.table("api_nothing").count(),
    "createDataFrame.rows": lambda s, _: s.createDataFrame(
        [(1, [1, 2], {"k": 1})], "a int, b array<int>, c map<string,int>"
    ),
    "createDataFrame.pandas": lambda s, _: s.createDataFrame(shop(s).toPandas()[["id", "who"]]),
    "createDataFrame.arrow": lambda s, _: s.createDataFrame(shop(s).toArrow()),
    "createDataFrame.empty": lambda s, _: s.createDataFrame([], "a int"),
    "tags": tags,
    "interrupts": interrupts,
    "interruptAll": lambda s, _: s.interruptAll(),
    "addArtifact": artifact,
    "cloneSession": clone,
    "progressHandlers": progress,
    "streams": lambda s, _: s.streams.active,
    "readStream": lambda s, _: s.readStream.format("rate").load().columns,
    "udf.register": lambda s, _: [
        s.udf.register("api_plus", lambda x: x + 1, "long") is not None,
        s.sql("SELECT api_plus(1)").first()[0],
    ],
    "udtf.register": udtf,
    "dataSource": data_source,
    "profile": lambda s, _: type(s.profile).__name__,
}
