"""Frequent sets, sequences, clusters and factors, each against a plain calculation of the same thing."""

import itertools
from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
import pytest
from pyspark.ml.linalg import VectorUDT
from pyspark.sql.types import ArrayType, DoubleType, IntegerType, LongType, StructField, StructType

from cauce.ml.params import Params
from cauce.ml.registry import ESTIMATORS
from cauce.ml.stage import Model
from cauce.ml.vectors import dense_column

ML = "org.apache.spark.ml"


class Rows:
    """A Dataset of rows in memory."""

    def __init__(self, rows: pa.Table, **types: object) -> None:
        self.rows = rows
        self.schema = StructType([StructField(name, kind) for name, kind in types.items()])

    def batches(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        yield from self.table(columns).to_batches()

    def table(self, columns: Sequence[str]) -> pa.Table:
        return self.rows.select(list(columns))


def fit(name: str, rows: Rows, **values: object) -> Model:
    return ESTIMATORS[f"{ML}.{name}"](Params(f"{ML}.{name}", "stage", {"seed": 1, **values})).fit(rows)


def test_frequent_itemsets_are_those_that_counting_finds() -> None:
    random = np.random.default_rng(0)
    baskets = [sorted(set(random.integers(0, 12, random.integers(1, 7)).tolist())) for _ in range(80)]
    rows = Rows(pa.table({"items": baskets}), items=ArrayType(LongType()))
    model = ESTIMATORS[f"{ML}.fpm.FPGrowth"](Params(f"{ML}.fpm.FPGrowth", "f", {"minSupport": 0.05})).fit(
        rows
    )
    sets = (frozenset(c) for b in baskets for n in range(1, len(b) + 1) for c in itertools.combinations(b, n))
    expected = {items: count for items, count in Counter(sets).items() if count >= 4}
    assert {frozenset(row["items"]): row["freq"] for row in model.data().to_pylist()} == expected


@pytest.mark.parametrize("name", ["KMeans", "BisectingKMeans"])
def test_three_heaps_are_three_clusters(name: str) -> None:
    random = np.random.default_rng(1)
    heaps = np.repeat([[0.0, 0.0], [5.0, 10.0], [10.0, 0.0]], 30, axis=0) + random.normal(0, 0.2, (90, 2))
    rows = Rows(pa.table({"features": dense_column(heaps)}), features=VectorUDT())
    model = fit(f"clustering.{name}", rows, k=3)
    inside = sum(((heap - heap.mean(axis=0)) ** 2).sum() for heap in np.split(heaps, 3))
    assert model.summary.clusterSizes() == [30, 30, 30]
    assert model.summary.trainingCost() == pytest.approx(inside)
    assert type(model).from_tables(model.params, {}, model.tables()).data() == model.data()


def test_ratings_of_few_factors_are_found_again() -> None:
    random = np.random.default_rng(2)
    truth = random.random((30, 2)) @ random.random((2, 20))
    users, items = (place.reshape(-1).astype(np.int32) for place in np.indices(truth.shape))
    seen = random.random(truth.size) < 0.7
    table = pa.table({"user": users, "item": items, "rating": truth.reshape(-1)})
    rows = Rows(table.filter(pa.array(seen)), user=IntegerType(), item=IntegerType(), rating=DoubleType())
    model = fit("recommendation.ALS", rows, rank=2, regParam=0.001, maxIter=20)
    (batch,) = table.filter(pa.array(~seen)).to_batches()
    found = model.transform(batch, rows.schema).column("prediction").to_numpy()
    assert np.abs(found - truth.reshape(-1)[~seen]).max() < 0.05
