"""A saved model or pipeline that scores rows without a session: the folder is all it needs.

    pipeline = SavedPipeline.load("models/leads")
    rows = pipeline.transform(table)

Loads what cauce or Apache Spark saved: a PipelineModel (nested ones too), a CrossValidatorModel or
TrainValidationSplitModel (its best model), a single model or transformer.
"""

import functools
import json
from typing import Any

import pyarrow as pa
from pyspark.sql.types import StructType

from cauce.errors import SparkError
from cauce.files import FileSystem, open_file_system
from cauce.ml.chain import Chain
from cauce.ml.frames import spark_schema
from cauce.ml.persistence import load_metadata, load_model, params_of
from cauce.ml.registry import MODELS, TRANSFORMERS
from cauce.ml.stage import Transformer

__all__ = ["SavedPipeline"]

PIPELINES = ("PipelineModel",)
SEARCHES = ("CrossValidatorModel", "TrainValidationSplitModel")
CHAINS_MAX = 64


class SavedPipeline:
    """The stages of a saved pipeline, in order. Thread-safe; nothing of it changes."""

    def __init__(self, uid: str, stages: tuple[Transformer, ...]) -> None:
        self.uid = uid
        self.stages = stages
        self._chain = functools.lru_cache(maxsize=CHAINS_MAX)(self._make_chain)

    @classmethod
    def load(cls, path: str) -> "SavedPipeline":
        """The pipeline in a folder; a path or URI as `PipelineModel.load` takes."""
        files, folder = open_file_system(path)
        return cls(load_metadata(files, folder)["uid"], _stages(files, folder))

    def output_schema(self, schema: StructType) -> StructType:
        """The columns of scored rows, or Spark's error for columns that do not fit."""
        return self.chain(schema).output_schema

    def chain(self, schema: StructType) -> Chain:
        """The stages as one function of batches that have these columns; made once per schema."""
        return self._chain(schema.json())

    def transform(self, table: pa.Table, schema: StructType | None = None) -> pa.Table:
        """The rows with the columns the stages append. `schema` tells metadata that Arrow does not."""
        chain = self.chain(schema or spark_schema(table.schema))
        batches = table.combine_chunks().to_batches() or [_no_rows(table.schema)]
        return pa.Table.from_batches([chain.transform(batch) for batch in batches])

    def _make_chain(self, schema_json: str) -> Chain:
        chain = Chain(StructType.fromJson(json.loads(schema_json)))
        for stage in self.stages:
            chain = chain.then(stage)
        return chain


def _stages(files: FileSystem, path: str) -> tuple[Transformer, ...]:
    metadata = load_metadata(files, path)
    class_name: str = metadata["class"]
    kind = class_name.rpartition(".")[2]
    if kind in PIPELINES:
        return tuple(stage for part in _stage_paths(metadata, path) for stage in _stages(files, part))
    if kind in SEARCHES:
        return _stages(files, f"{path}/bestModel")
    if class_name in MODELS:
        return (load_model(files, path),)
    if class_name in TRANSFORMERS:
        return (TRANSFORMERS[class_name](params_of(metadata)),)
    raise SparkError(
        "CONNECT_ML.UNSUPPORTED_EXCEPTION", f"{class_name} does not score rows without a session"
    )


def _stage_paths(metadata: dict[str, Any], path: str) -> list[str]:
    uids = metadata["paramMap"]["stageUids"]
    digits = len(str(len(uids)))
    return [f"{path}/stages/{str(index).zfill(digits)}_{uid}" for index, uid in enumerate(uids)]


def _no_rows(schema: pa.Schema) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays([pa.nulls(0, field.type) for field in schema], schema=schema)
