"""LDA: topics that documents are mixtures of.

https://github.com/apache/spark/blob/v4.2.0/mllib/src/main/scala/org/apache/spark/ml/clustering/LDA.scala
"""

from typing import Any, Self

import numpy as np
import pyarrow as pa
import scipy.sparse as sp
from pyspark.ml.linalg import DenseMatrix, Vector, Vectors, VectorUDT
from pyspark.sql.types import StructField, StructType

from cauce.errors import SparkError
from cauce.ml.clustering.centers import check_columns, features_in
from cauce.ml.clustering.topics import Online, bound, expectation_maximisation, online, proportions
from cauce.ml.columns import appended, column, with_fields
from cauce.ml.instances import Features
from cauce.ml.params import Params
from cauce.ml.saved_rows import one_row, row_of
from cauce.ml.stage import Dataset, Estimator, Model, attribute
from cauce.ml.vectors import dense_column

__all__ = ["LDA", "DistributedLDAModel", "LocalLDAModel"]


class LDAModel(Model):
    """topics: (k, words) parameters of the topics; alpha: (k,) and eta of the priors."""

    def __init__(self, params: Params, topics: np.ndarray, alpha: np.ndarray, eta: float) -> None:
        super().__init__(params)
        self.topics = topics
        self.alpha = alpha
        self.eta = eta

    @attribute
    def vocabSize(self) -> int:
        return self.topics.shape[1]

    @attribute
    def topicsMatrix(self) -> DenseMatrix:
        """(words, k)"""
        k, words = self.topics.shape
        return DenseMatrix(words, k, self.topics.reshape(-1))

    @attribute
    def estimatedDocConcentration(self) -> Vector:
        return Vectors.dense(self.alpha)

    @attribute
    def describeTopics(self, term_count: int = 10) -> pa.Table:
        """topic, termIndices and termWeights, the heaviest words first."""
        shares = self.topics / self.topics.sum(axis=1, keepdims=True)
        order = np.argsort(-shares, axis=1, kind="stable")[:, :term_count]
        columns = [
            pa.array(range(len(shares)), pa.int32()),
            pa.array(order.tolist(), pa.list_(pa.int32())),
            pa.array(np.take_along_axis(shares, order, axis=1).tolist(), pa.list_(pa.float64())),
        ]
        fields = [
            pa.field("topic", pa.int32(), nullable=False),
            *(
                pa.field(name, each.type)
                for name, each in zip(("termIndices", "termWeights"), columns[1:], strict=True)
            ),
        ]
        return pa.Table.from_arrays(columns, schema=pa.schema(fields))

    @attribute
    def logLikelihood(self, dataset: Dataset) -> float:
        return bound(_counts(dataset, self.params), self.topics, self.alpha, self.eta, self.params["seed"])

    @attribute
    def logPerplexity(self, dataset: Dataset) -> float:
        counts = _counts(dataset, self.params)
        return -bound(counts, self.topics, self.alpha, self.eta, self.params["seed"]) / float(counts.sum())

    def output_schema(self, schema: StructType) -> StructType:
        return _output_schema(self.params, schema, len(self.alpha))

    def transform(self, batch: pa.RecordBatch, schema: StructType) -> pa.RecordBatch:
        name = self.params["topicDistributionCol"]
        if not name:
            return batch
        found = np.empty((0, len(self.alpha)))
        if batch.num_rows:
            features = features_in(column(batch, schema, self.params["featuresCol"]))
            found = proportions(_sparse(features), self.topics, self.alpha, self.params["seed"])
        return appended(batch, {name: dense_column(found)})

    def data(self) -> pa.Table:
        return one_row(
            {
                "vocabSize": self.vocabSize(),
                "topicsMatrix": self.topicsMatrix(),
                "docConcentration": Vectors.dense(self.alpha),
                "topicConcentration": float(self.eta),
                "gammaShape": 100.0,
            }
        )

    @classmethod
    def from_data(cls, params: Params, metadata: dict[str, Any], data: pa.Table) -> Self:
        row = row_of(data)
        topics = np.ascontiguousarray(row["topicsMatrix"].toArray().T)
        return cls(params, topics, row["docConcentration"].toArray(), row["topicConcentration"])

    def __str__(self) -> str:
        name = self.class_name.rpartition(".")[2]
        return f"{name}: uid={self.params.uid}, k={len(self.alpha)}, numFeatures={self.vocabSize()}"


class LocalLDAModel(LDAModel):
    """Learned online, or what is left of a distributed model."""

    class_name = "org.apache.spark.ml.clustering.LocalLDAModel"

    @attribute
    def isDistributed(self) -> bool:
        return False


class DistributedLDAModel(LDAModel):
    """Learned by expectation maximisation; it remembers how likely the training documents are."""

    class_name = "org.apache.spark.ml.clustering.DistributedLDAModel"
    likelihood, prior = 0.0, 0.0

    @attribute
    def isDistributed(self) -> bool:
        return True

    @attribute
    def trainingLogLikelihood(self) -> float:
        return self.likelihood

    @attribute
    def logPrior(self) -> float:
        return self.prior

    @attribute
    def toLocal(self) -> LocalLDAModel:
        return LocalLDAModel(self.params, self.topics, self.alpha, self.eta)

    @attribute
    def getCheckpointFiles(self) -> list[str]:
        """None are written."""
        return []

    def extra_metadata(self) -> dict[str, Any]:
        return {"trainingLogLikelihood": self.likelihood, "logPrior": self.prior}

    @classmethod
    def from_data(cls, params: Params, metadata: dict[str, Any], data: pa.Table) -> Self:
        model = super().from_data(params, metadata, data)
        model.likelihood, model.prior = metadata["trainingLogLikelihood"], metadata["logPrior"]
        return model


class LDA(Estimator):
    """Learns online (the default), or by expectation maximisation (optimizer "em")."""

    def output_schema(self, schema: StructType) -> StructType:
        return _output_schema(self.params, schema, self.params["k"])

    def fit(self, dataset: Dataset) -> LDAModel:
        params = self.params
        counts = _counts(dataset, params)
        if params["optimizer"].lower() == "em":
            return self._by_em(counts)
        alpha, eta = self._priors(1.0 / params["k"], 1.0 / params["k"])
        how = Online(
            iterations=params["maxIter"],
            sample=params["subsamplingRate"],
            offset=params["learningOffset"],
            decay=params["learningDecay"],
            optimize_alpha=params["optimizeDocConcentration"],
            seed=params["seed"],
        )
        topics, alpha = online(counts, alpha, eta, how)
        return LocalLDAModel(params, topics, alpha, eta)

    def _by_em(self, counts: sp.csr_array) -> DistributedLDAModel:
        params = self.params
        alpha, eta = self._priors(50.0 / params["k"] + 1.0, 1.1)
        topics, likelihood, prior = expectation_maximisation(
            counts, alpha, eta, params["maxIter"], params["seed"]
        )
        model = DistributedLDAModel(params, topics, alpha, eta)
        model.likelihood, model.prior = likelihood, prior
        return model

    def _priors(self, alpha: float, eta: float) -> tuple[np.ndarray, float]:
        """What the program set, over these; one number of documents is meant for every topic."""
        given, k = self.params.get("docConcentration") or [alpha], self.params["k"]
        return np.resize(np.asarray(given, dtype=np.float64), k), self.params.get("topicConcentration") or eta


def _counts(dataset: Dataset, params: Params) -> sp.csr_array:
    blocks = [
        _sparse(features_in(batch.column(0)))
        for batch in dataset.batches([params["featuresCol"]])
        if batch.num_rows
    ]
    if not blocks:
        raise SparkError(None, "empty collection")
    return sp.csr_array(sp.vstack(blocks))


def _sparse(features: Features) -> sp.csr_array:
    found = sp.csr_array(features, copy=True)
    found.eliminate_zeros()
    return found


def _output_schema(params: Params, schema: StructType, k: int) -> StructType:
    name = params["topicDistributionCol"]
    check_columns(params, schema, *([name] if name else []))
    if not name:
        return schema
    return with_fields(schema, StructField(name, VectorUDT(), True, {"ml_attr": {"num_attrs": k}}))
