"""Stages on disk exactly as Spark saves them: `metadata/part-00000` (JSON) and folders of Parquet files.

What is written here Apache Spark loads, and the other way round.
"""

import io
import json
import time
import uuid
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from cauce.errors import SparkError
from cauce.files import FileSystem
from cauce.ml.frames import spark_schema
from cauce.ml.param_json import param_from_json, param_to_json
from cauce.ml.params import Params, estimator_of
from cauce.ml.registry import MODELS
from cauce.ml.stage import Model

__all__ = ["SPARK_VERSION", "load_metadata", "load_model", "params_of", "save_model", "save_params"]

SPARK_VERSION = "4.2.0"
ROW_METADATA = "org.apache.spark.sql.parquet.row.metadata"
VERSION_METADATA = "org.apache.spark.version"


def save_model(model: Model, files: FileSystem, path: str) -> None:
    """Write a model to a folder that does not exist yet."""
    for name, table in model.tables().items():
        _write_table(table, files, f"{path}/{name}")
    # Last, so that a folder with metadata is whole.
    _write_metadata(_metadata(model.params, model.class_name, model.extra_metadata()), files, path)


def save_params(params: Params, files: FileSystem, path: str) -> None:
    """Write a stage that is nothing but its parameters: an estimator, transformer or evaluator."""
    _write_metadata(_metadata(params, params.class_name, {}), files, path)


def load_model(files: FileSystem, path: str) -> Model:
    """The model saved in the folder."""
    metadata = load_metadata(files, path)
    model = MODELS.get(metadata["class"])
    if model is None:
        raise SparkError("CONNECT_ML.UNSUPPORTED_EXCEPTION", f"Unsupported read for {metadata['class']}")
    folders = [name for name in files.names(path) if name != "metadata"]
    tables = {name: _read_table(files, f"{path}/{name}") for name in sorted(folders)}
    return model.from_tables(params_of(metadata), metadata, tables)


def load_metadata(files: FileSystem, path: str) -> dict[str, Any]:
    """The JSON of the folder's metadata."""
    # The client writes pipelines' metadata as text, whose files each engine names its own way.
    parts = sorted(name for name in files.names(f"{path}/metadata") if name[0] not in "._")
    text = b"".join(files.read_bytes(f"{path}/metadata/{name}") for name in parts).decode()
    if not text.strip():
        raise SparkError(None, f"No metadata of a saved ML instance in {path}/metadata")
    return json.loads(text.strip().splitlines()[0])


def params_of(metadata: dict[str, Any]) -> Params:
    """The parameters in a stage's metadata; those of a model belong to its estimator's class."""
    values = {name: param_from_json(value) for name, value in metadata.get("paramMap", {}).items()}
    return Params(estimator_of(metadata["class"]), metadata["uid"], values)


def _metadata(params: Params, class_name: str, extra: dict[str, Any]) -> dict[str, Any]:
    return {
        "class": class_name,
        "timestamp": int(time.time() * 1000),
        "sparkVersion": SPARK_VERSION,
        "uid": params.uid,
        "paramMap": {name: param_to_json(value) for name, value in params.values.items()},
        "defaultParamMap": {name: param_to_json(value) for name, value in params.defaults.items()},
        **extra,
    }


def _write_metadata(metadata: dict[str, Any], files: FileSystem, path: str) -> None:
    files.make_dirs(f"{path}/metadata")
    text = json.dumps(metadata, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    files.write_durable(f"{path}/metadata/part-00000", text.encode() + b"\n")
    files.write_durable(f"{path}/metadata/_SUCCESS", b"")


def _write_table(table: pa.Table, files: FileSystem, path: str) -> None:
    notes = {ROW_METADATA: spark_schema(table.schema).json(), VERSION_METADATA: SPARK_VERSION}
    sink = io.BytesIO()
    pq.write_table(table.replace_schema_metadata(notes), sink, compression="snappy", store_schema=False)
    files.make_dirs(path)
    files.write_durable(f"{path}/part-00000-{uuid.uuid4()}-c000.snappy.parquet", sink.getvalue())
    files.write_durable(f"{path}/_SUCCESS", b"")


def _read_table(files: FileSystem, path: str) -> pa.Table:
    names = sorted(name for name in files.names(path) if name.endswith(".parquet"))
    parts = [pq.read_table(io.BytesIO(files.read_bytes(f"{path}/{name}"))) for name in names]
    filled = [part for part in parts if part.num_rows] or parts[:1]
    return pa.concat_tables(filled, promote_options="permissive") if filled else pa.table({})
