"""pyspark.ml's messages: models live in the session, stages are functions of the rows that pass them."""

import gc
import importlib.util
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pyspark.errors import PySparkException
from pyspark.ml import Pipeline, PipelineModel
from pyspark.ml.feature import Binarizer, MaxAbsScaler, MaxAbsScalerModel, SQLTransformer
from pyspark.ml.functions import vector_to_array
from pyspark.ml.linalg import DenseVector, Vectors, VectorUDT
from pyspark.ml.util import invoke_remote_attribute_relation
from pyspark.ml.wrapper import JavaWrapper
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.connect.session import SparkSession

STAGES: Any = importlib.util.spec_from_file_location("ml_stages", Path(__file__).parent / "ml_stages.py")
ml_stages = importlib.util.module_from_spec(STAGES)
STAGES.loader.exec_module(ml_stages)

MEMORY = "spark.connect.session.connectML.mlCache.memoryControl"


@pytest.fixture(autouse=True)
def stages(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    yield from ml_stages.installed(monkeypatch)


@pytest.fixture
def rows(spark: SparkSession) -> DataFrame:
    data = [(1, 0.5, Vectors.dense([1.0, -2.0])), (2, 1.5, Vectors.dense([2.0, 5.0]))]
    return spark.createDataFrame(data, ["id", "x", "f"])


BINARIZER = Binarizer(inputCol="x", outputCol="b", threshold=1.0)
SCALER = MaxAbsScaler(inputCol="f", outputCol="g")


def test_a_transformer_appends_its_column_with_metadata(rows: DataFrame) -> None:
    after = BINARIZER.transform(rows)
    assert [row.b for row in after.collect()] == [0.0, 1.0]
    assert after.schema["b"].metadata == {"ml_attr": {"type": "binary"}}


def test_columns_of_the_frame_below_are_found_in_the_transformed_one(rows: DataFrame) -> None:
    picked = BINARIZER.transform(rows).where(rows.id > 1).select(rows["f"], "b")
    assert [tuple(row) for row in picked.collect()] == [(DenseVector([2.0, 5.0]), 1.0)]


def test_a_frame_can_be_joined_with_itself_transformed(rows: DataFrame) -> None:
    joined = rows.join(BINARIZER.transform(rows).withColumnRenamed("id", "other"), F.col("other") == rows.id)
    assert joined.select(rows.id, "b").orderBy("id").collect() == [(1, 0.0), (2, 1.0)]


def test_an_order_survives_the_transformation(spark: SparkSession) -> None:
    falling = spark.range(50_000).selectExpr("id", "double(id) AS x").orderBy(F.desc("id"))
    ids = [row.id for row in BINARIZER.transform(falling).collect()]
    assert ids == list(range(49_999, -1, -1))


def test_consecutive_stages_are_one_function(rows: DataFrame, capsys: pytest.CaptureFixture[str]) -> None:
    model = Pipeline(stages=[BINARIZER, SCALER]).fit(rows)
    model.transform(rows).explain()
    assert capsys.readouterr().out.count("MapPartitionsExec") == 1


def test_a_statement_is_a_stage(rows: DataFrame) -> None:
    twice = SQLTransformer(statement="SELECT *, x * 2 AS y FROM __THIS__")
    model = Pipeline(stages=[BINARIZER, twice, SCALER]).fit(rows)
    assert [(row.y, row.g) for row in model.transform(rows).collect()] == [
        (1.0, DenseVector([0.5, -0.4])),
        (3.0, DenseVector([1.0, 1.0])),
    ]


def test_attributes_of_a_model(rows: DataFrame) -> None:
    model = SCALER.fit(rows)
    assert model.maxAbs == DenseVector([2.0, 5.0])
    assert len(model._call_java("trees").split(",")) == 2
    frame = invoke_remote_attribute_relation(model, "rows")
    assert frame.collect() == [(DenseVector([2.0, 5.0]),)]


def test_a_summary_reads_the_rows_it_is_about(rows: DataFrame) -> None:
    model = SCALER.fit(rows)
    assert model._call_java("hasSummary") is True
    summary = JavaWrapper(f"{model._java_obj}.summary")
    summary._summary_dataset = rows
    assert summary._call_java("count") == 2
    predictions = invoke_remote_attribute_relation(summary, "predictions")
    assert [row.g for row in predictions.collect()] == [DenseVector([0.5, -0.4]), DenseVector([1.0, 1.0])]


def test_what_is_no_attribute_is_refused(rows: DataFrame) -> None:
    model = SCALER.fit(rows)
    with pytest.raises(PySparkException) as caught:
        model._call_java("from_data")
    assert caught.value.getCondition() == "CONNECT_ML.ATTRIBUTE_NOT_ALLOWED"
    assert "from_data in org.apache.spark.ml.feature.MaxAbsScalerModel is not allowed" in str(caught.value)


def test_models_go_with_the_clients_objects(rows: DataFrame) -> None:
    model = SCALER.fit(rows)
    frame = model.transform(rows)
    assert len(_cached(rows)) == 1
    del model
    gc.collect()
    assert len(_cached(rows)) == 1, "the frame keeps the model"
    assert frame.count() == 2
    del frame
    gc.collect()
    assert _cached(rows) == []


def test_a_deleted_model_is_told(rows: DataFrame) -> None:
    model = SCALER.fit(rows)
    rows.sparkSession.client._delete_ml_cache([str(model._java_obj)])  # type: ignore[attr-defined]
    with pytest.raises(PySparkException) as caught:
        model.transform(rows).collect()
    assert caught.value.getCondition() == "CONNECT_ML.CACHE_INVALID"


def test_models_beyond_the_memory_limit_wait_on_disk(spark: SparkSession, rows: DataFrame) -> None:
    spark.conf.set(f"{MEMORY}.maxInMemorySize", "40")
    models = [SCALER.fit(rows) for _ in range(3)]
    assert [model.maxAbs for model in models] == [DenseVector([2.0, 5.0])] * 3
    assert all(model._call_java("hasSummary") for model in models)


def test_a_model_larger_than_allowed_is_refused(spark: SparkSession, rows: DataFrame) -> None:
    spark.conf.set(f"{MEMORY}.maxModelSize", "10")
    with pytest.raises(PySparkException) as caught:
        SCALER.fit(rows)
    assert caught.value.getCondition() == "CONNECT_ML.MODEL_SIZE_OVERFLOW_EXCEPTION"


def test_a_stages_own_error_comes_back_as_itself(spark: SparkSession) -> None:
    missing = spark.createDataFrame([(1, None)], "id long, x double")
    with pytest.raises(PySparkException) as caught:
        BINARIZER.transform(missing).collect()
    assert str(caught.value).startswith("no number here")


def test_stages_unknown_here_are_refused(rows: DataFrame) -> None:
    stage = Binarizer(inputCol="x", outputCol="b")
    stage._java_obj = "org.example.Nothing"
    with pytest.raises(PySparkException) as caught:
        stage.transform(rows).collect()
    assert caught.value.getCondition() == "CONNECT_ML.UNSUPPORTED_EXCEPTION"
    assert "Unsupported ML operator, found org.example.Nothing" in str(caught.value)


def test_transformed_rows_can_be_kept_and_viewed(spark: SparkSession, rows: DataFrame) -> None:
    kept = SCALER.fit(rows).transform(BINARIZER.transform(rows)).cache()
    assert kept.count() == 2
    assert kept.schema["b"].metadata == {"ml_attr": {"type": "binary"}}
    kept.createOrReplaceTempView("scaled")
    assert spark.sql("SELECT g FROM scaled WHERE b = 1").collect() == [(DenseVector([1.0, 1.0]),)]


def test_a_stream_is_transformed(spark: SparkSession, rows: DataFrame, tmp_path: Path) -> None:
    rows.select("id", "x").write.parquet(str(tmp_path / "in"))
    stream = BINARIZER.transform(spark.readStream.schema("id long, x double").parquet(str(tmp_path / "in")))
    assert stream.schema["b"].metadata == {"ml_attr": {"type": "binary"}}
    stream.createOrReplaceTempView("binarized")
    counts = spark.sql("SELECT b, count(*) AS n FROM binarized GROUP BY b")
    writer = counts.writeStream.format("memory").queryName("counts").outputMode("complete")
    writer.trigger(availableNow=True).start().awaitTermination()
    assert sorted(spark.table("counts").collect()) == [(0.0, 1), (1.0, 1)]


def test_a_saved_model_comes_back(rows: DataFrame, tmp_path: Path) -> None:
    path = str(tmp_path / "model")
    SCALER.fit(rows).save(path)
    metadata = json.loads((tmp_path / "model" / "metadata" / "part-00000").read_text())
    assert metadata["class"] == "org.apache.spark.ml.feature.MaxAbsScalerModel"
    assert metadata["paramMap"] == {"inputCol": "f", "outputCol": "g"}
    loaded = MaxAbsScalerModel.load(path)
    assert (loaded.maxAbs, loaded.getOutputCol()) == (DenseVector([2.0, 5.0]), "g")
    with pytest.raises(PySparkException, match="already exists. To overwrite it, please use"):
        loaded.save(path)
    loaded.write().overwrite().save(path)


def test_a_saved_pipeline_comes_back(rows: DataFrame, tmp_path: Path) -> None:
    fitted = Pipeline(stages=[BINARIZER, SCALER]).fit(rows)
    fitted.write().overwrite().save(str(tmp_path / "pipeline"))
    loaded = PipelineModel.load(str(tmp_path / "pipeline"))
    assert loaded.transform(rows).collect() == fitted.transform(rows).collect()


def _cached(rows: DataFrame) -> list[str]:
    return rows.sparkSession.client._get_ml_cache_info()  # type: ignore[attr-defined]


def test_vectors_are_shown_as_in_spark(spark: SparkSession, capsys: pytest.CaptureFixture[str]) -> None:
    data = [(Vectors.dense([1.0, 1e-9]),), (Vectors.sparse(3, [1], [5.0]),), (None,)]
    spark.createDataFrame(data, ["f"]).show()
    shown = [line.strip("| ") for line in capsys.readouterr().out.splitlines()]
    assert shown[3:6] == ["[1.0,1.0E-9]", "(3,[1],[5.0])", "NULL"]


def test_vectors_become_arrays(spark: SparkSession) -> None:
    data = [(Vectors.dense([1.0, 2.0]),), (Vectors.sparse(3, [1], [5.0]),), (None,)]
    frame = spark.createDataFrame(data, ["f"]).select(vector_to_array("f").alias("a"))
    assert [row.a for row in frame.collect()] == [[1.0, 2.0], [0.0, 5.0, 0.0], None]


def test_vectors_survive_parquet(rows: DataFrame, tmp_path: Path) -> None:
    rows.write.parquet(str(tmp_path / "vectors"))
    back = rows.sparkSession.read.parquet(str(tmp_path / "vectors"))
    assert back.schema["f"].dataType == VectorUDT()
    assert back.where("id = 2").select("f").collect() == [(DenseVector([2.0, 5.0]),)]
