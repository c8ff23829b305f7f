"""A saved pipeline scores rows without a session, to the same answers."""

from pathlib import Path

import pyarrow as pa
import pytest
from pyspark.ml import Pipeline
from pyspark.ml.classification import LogisticRegression
from pyspark.ml.feature import OneHotEncoder, StringIndexer, VectorAssembler
from pyspark.sql.connect.session import SparkSession

from cauce.errors import SparkError
from cauce.ml.saved_pipeline import SavedPipeline

ROWS = [("a", 1.0, 0.0), ("b", 2.0, 1.0), ("a", 3.0, 1.0), ("c", -1.0, 0.0), ("b", 0.5, 1.0)]


@pytest.fixture
def folder(spark: SparkSession, tmp_path: Path) -> Path:
    frame = spark.createDataFrame(ROWS, ["kind", "x", "label"])
    stages = [
        StringIndexer(inputCol="kind", outputCol="index", handleInvalid="keep"),
        OneHotEncoder(inputCol="index", outputCol="hot"),
        VectorAssembler(inputCols=["hot", "x"], outputCol="features"),
        LogisticRegression(regParam=0.1),
    ]
    fitted = Pipeline(stages=stages).fit(frame)
    fitted.write().overwrite().save(str(tmp_path / "model"))
    fitted.transform(frame).select("prediction", "probability").toPandas().to_pickle(tmp_path / "expected")
    return tmp_path


def test_the_answers_are_those_of_the_session(folder: Path) -> None:
    import pandas as pd

    table = pa.table({"kind": [r[0] for r in ROWS], "x": [r[1] for r in ROWS]})
    scored = SavedPipeline.load(str(folder / "model")).transform(table)
    expected = pd.read_pickle(folder / "expected")
    assert scored.column("prediction").to_pylist() == expected["prediction"].tolist()
    values = [row["values"] for row in scored.column("probability").to_pylist()]
    assert values == [pytest.approx(vector.toArray().tolist()) for vector in expected["probability"]]


def test_no_rows_are_scored_to_no_rows(folder: Path) -> None:
    table = pa.table({"kind": pa.array([], pa.string()), "x": pa.array([], pa.float64())})
    scored = SavedPipeline.load(str(folder / "model")).transform(table)
    assert (scored.num_rows, scored.column_names[-1]) == (0, "prediction")


def test_a_missing_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(SparkError, match="No metadata of a saved ML instance"):
        SavedPipeline.load(str(tmp_path / "nothing"))
