"""ALS: users and items as factors whose products are the ratings.

https://github.com/apache/spark/blob/v4.2.0/mllib/src/main/scala/org/apache/spark/ml/recommendation/ALS.scala
The sums are those of Spark; where the factors begin depends on the seed, but not as Spark's do.
"""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pyarrow as pa
from pyspark.sql.types import FloatType, StructField, StructType

from cauce.ml.columns import check_numeric, doubles, require, with_fields
from cauce.ml.params import Params
from cauce.ml.recommendation.als_model import ALSModel, Factors, ids_of
from cauce.ml.stage import Dataset, Estimator

__all__ = ["ALS"]

THREADS = 2


class ALS(Estimator):
    """Solves for the items given the users, for the users given the items, and again."""

    def output_schema(self, schema: StructType) -> StructType:
        params = self.params
        for name in (params["userCol"], params["itemCol"]):
            check_numeric(schema, name)
        if params["ratingCol"]:
            check_numeric(schema, params["ratingCol"])
        require(
            params["predictionCol"] not in schema.names, f"Column {params['predictionCol']} already exists."
        )
        return with_fields(schema, StructField(params["predictionCol"], FloatType(), False))

    def fit(self, dataset: Dataset) -> ALSModel:
        from cauce.ml.recommendation.least_squares import Equations, Ratings, solved

        params = self.params
        users, items, values = _ratings(dataset, params)
        user_ids, user_rows = np.unique(users, return_inverse=True)
        item_ids, item_rows = np.unique(items, return_inverse=True)
        by_user = Ratings.of(user_rows, item_rows, values, len(user_ids))
        by_item = Ratings.of(item_rows, user_rows, values, len(item_ids))
        equations = Equations(
            regularisation=params["regParam"],
            alpha=params["alpha"],
            is_implicit=params["implicitPrefs"],
            is_nonnegative=params["nonnegative"],
        )
        random = np.random.default_rng(params["seed"] % 2**64)
        user_factors = _start(random, len(user_ids), params["rank"])
        item_factors = _start(random, len(item_ids), params["rank"])
        with ThreadPoolExecutor(THREADS) as threads:
            for _ in range(params["maxIter"]):
                item_factors = solved(by_item, user_factors, equations, threads)
                user_factors = solved(by_user, item_factors, equations, threads)
        return ALSModel(
            params,
            Factors(user_ids, user_factors.astype(np.float32)),
            Factors(item_ids, item_factors.astype(np.float32)),
        )


def _start(random: np.random.Generator, count: int, rank: int) -> np.ndarray:
    """Random directions of length 1, as Spark begins."""
    drawn = random.standard_normal((count, rank))
    return drawn / np.linalg.norm(drawn, axis=1, keepdims=True)


def _ratings(dataset: Dataset, params: Params) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """User ids, item ids and ratings of all rows; without a rating column every rating is 1."""
    names = [params["userCol"], params["itemCol"], *([params["ratingCol"]] if params["ratingCol"] else [])]
    table = dataset.table(names)
    require(table.num_rows > 0, f"No ratings available from {dataset}")
    columns = [_one(table, place) for place in range(len(names))]
    users, items = (ids_of(column, name) for column, name in zip(columns, names[:2], strict=False))
    if len(columns) == 2:
        return users, items, np.ones(len(users), dtype=np.float32)
    return users, items, doubles(columns[2]).astype(np.float32)


def _one(table: pa.Table, place: int) -> pa.Array:
    column = table.column(place).combine_chunks()
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
