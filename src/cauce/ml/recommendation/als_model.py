"""What ALS learned: the factors of users and items, predicted ratings, and the best items of a user."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pyarrow as pa
from pyspark.sql.types import FloatType, StructField, StructType

from cauce.errors import SparkError, SparkRuntimeException
from cauce.ml.columns import appended, check_numeric, column, require, with_fields
from cauce.ml.params import Params
from cauce.ml.stage import Dataset, Model, attribute

__all__ = ["ALSModel", "Factors", "ids_of"]

INTEGER_MIN, INTEGER_MAX = -(2**31), 2**31 - 1
SCORES_AT_ONCE = 1 << 22
FEATURES = pa.list_(pa.field("element", pa.float32(), nullable=False))
SAVED = pa.schema([pa.field("id", pa.int32(), nullable=False), pa.field("features", FEATURES)])


@dataclass(frozen=True)
class Factors:
    """The factors of users or items: values[row] belongs to ids[row]; ids ascend."""

    ids: np.ndarray
    values: np.ndarray

    def rows(self, ids: np.ndarray) -> np.ndarray:
        """The rows of these ids, -1 for unknown ones."""
        if not len(self.ids):
            return np.full(len(ids), -1)
        places = np.minimum(np.searchsorted(self.ids, ids), len(self.ids) - 1)
        return np.where(self.ids[places] == ids, places, -1)

    def table(self) -> pa.Table:
        """As Spark shows and saves them."""
        count, rank = self.values.shape
        offsets = np.arange(count + 1, dtype=np.int32) * rank
        lists = pa.ListArray.from_arrays(offsets, pa.array(self.values.reshape(-1)), type=FEATURES)
        return pa.Table.from_arrays([pa.array(self.ids, pa.int32()), lists], schema=SAVED)

    @staticmethod
    def of(table: pa.Table, rank: int) -> "Factors":
        """Factors saved as table()."""
        ordered = table.sort_by("id").combine_chunks()
        values = np.concatenate([chunk.flatten().to_numpy() for chunk in ordered.column("features").chunks])
        return Factors(ordered.column("id").to_numpy(), values.astype(np.float32).reshape(-1, rank))


class ALSModel(Model):
    """The rating of a user and an item is the product of their factors."""

    class_name = "org.apache.spark.ml.recommendation.ALSModel"

    def __init__(self, params: Params, users: Factors, items: Factors) -> None:
        super().__init__(params)
        self.users = users
        self.items = items

    @attribute
    def rank(self) -> int:
        return self.users.values.shape[1]

    @attribute
    def userFactors(self) -> pa.Table:
        return self.users.table()

    @attribute
    def itemFactors(self) -> pa.Table:
        return self.items.table()

    @attribute
    def recommendForAllUsers(self, item_count: int) -> pa.Table:
        return _best(self.users, self.items, item_count, self.params["userCol"], self.params["itemCol"])

    @attribute
    def recommendForAllItems(self, user_count: int) -> pa.Table:
        return _best(self.items, self.users, user_count, self.params["itemCol"], self.params["userCol"])

    @attribute
    def recommendForUserSubset(self, dataset: Dataset, item_count: int) -> pa.Table:
        names = self.params["userCol"], self.params["itemCol"]
        return _best(_subset(self.users, dataset, names[0]), self.items, item_count, *names)

    @attribute
    def recommendForItemSubset(self, dataset: Dataset, user_count: int) -> pa.Table:
        names = self.params["itemCol"], self.params["userCol"]
        return _best(_subset(self.items, dataset, names[0]), self.users, user_count, *names)

    def output_schema(self, schema: StructType) -> StructType:
        for name in (self.params["userCol"], self.params["itemCol"]):
            check_numeric(schema, name)
        name = self.params["predictionCol"]
        require(name not in schema.names, f"Column {name} already exists.")
        return with_fields(schema, StructField(name, FloatType(), False))

    def transform(self, batch: pa.RecordBatch, schema: StructType) -> pa.RecordBatch:
        user_name, item_name = self.params["userCol"], self.params["itemCol"]
        users = self.users.rows(ids_of(column(batch, schema, user_name), user_name))
        items = self.items.rows(ids_of(column(batch, schema, item_name), item_name))
        is_known = (users >= 0) & (items >= 0)
        ratings = np.full(batch.num_rows, np.nan, dtype=np.float32)
        ratings[is_known] = np.einsum(
            "ij,ij->i", self.users.values[users[is_known]], self.items.values[items[is_known]]
        )
        found = appended(batch, {self.params["predictionCol"]: pa.array(ratings)})
        if self.params["coldStartStrategy"].lower() == "drop":
            return found.filter(pa.array(~np.isnan(ratings)))
        return found

    def data(self) -> pa.Table:
        return self.userFactors()

    def tables(self) -> dict[str, pa.Table]:
        return {"userFactors": self.userFactors(), "itemFactors": self.itemFactors()}

    @classmethod
    def from_tables(cls, params: Params, metadata: dict[str, Any], tables: dict[str, pa.Table]) -> Self:
        rank = int(metadata["rank"])
        return cls(params, Factors.of(tables["userFactors"], rank), Factors.of(tables["itemFactors"], rank))

    @classmethod
    def from_data(cls, params: Params, metadata: dict[str, Any], data: pa.Table) -> Self:
        raise SparkError(None, "The factors of users and of items are saved in folders of their own.")

    def extra_metadata(self) -> dict[str, Any]:
        return {"rank": self.rank()}

    @property
    def size_bytes(self) -> int:
        return self.users.values.nbytes + self.items.values.nbytes

    def __str__(self) -> str:
        return f"ALSModel: uid={self.params.uid}, rank={self.rank()}"


def ids_of(values: pa.Array, name: str) -> np.ndarray:
    """User or item ids: whole numbers that fit an int."""
    if values.null_count:
        raise SparkRuntimeException("USER_RAISED_EXCEPTION", errorMessage=f"{name} Ids MUST NOT be Null")
    if pa.types.is_integer(values.type):
        ids = values.to_numpy(zero_copy_only=False)
    else:
        ids = values.cast(pa.float64()).to_numpy(zero_copy_only=False)
    wrong = (ids < INTEGER_MIN) | (ids > INTEGER_MAX) | (ids != np.floor(ids))
    if wrong.any():
        raise SparkRuntimeException(
            "USER_RAISED_EXCEPTION",
            errorMessage="ALS only supports non-Null values in Integer range for columns user and item. "
            f"{ids[wrong][0]}",
        )
    return ids.astype(np.int32)


def _subset(known: Factors, dataset: Dataset, name: str) -> Factors:
    """The factors of the ids in a column, each once; unknown ids are left out."""
    ids = np.unique(ids_of(dataset.table([name]).column(0).combine_chunks(), name))
    rows = known.rows(ids)
    rows = rows[rows >= 0]
    return Factors(known.ids[rows], known.values[rows])


def _best(sources: Factors, targets: Factors, count: int, source_name: str, target_name: str) -> pa.Table:
    """For each source the `count` targets of the highest rating."""
    count = min(count, len(targets.ids))
    at_once = max(1, SCORES_AT_ONCE // max(1, len(targets.ids)))
    ids, ratings = [], []
    for start in range(0, len(sources.ids), at_once):
        scores = sources.values[start : start + at_once] @ targets.values.T
        places = (
            np.argpartition(-scores, count - 1, axis=1)[:, :count]
            if count
            else np.empty((len(scores), 0), int)
        )
        chosen = np.take_along_axis(scores, places, axis=1)
        order = np.argsort(-chosen, axis=1, kind="stable")
        ids.append(targets.ids[np.take_along_axis(places, order, axis=1)].reshape(-1))
        ratings.append(np.take_along_axis(chosen, order, axis=1).reshape(-1))
    pair = pa.struct([pa.field(target_name, pa.int32()), pa.field("rating", pa.float32())])
    flat = pa.StructArray.from_arrays(
        [
            pa.array(np.concatenate(ids or [[]]), pa.int32()),
            pa.array(np.concatenate(ratings or [[]]), pa.float32()),
        ],
        fields=list(pair),
    )
    offsets = np.arange(len(sources.ids) + 1, dtype=np.int32) * count
    lists = pa.ListArray.from_arrays(pa.array(offsets), flat)
    return pa.table({source_name: pa.array(sources.ids, pa.int32()), "recommendations": lists})
