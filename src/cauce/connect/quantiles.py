"""`df.approxQuantile(...)`: exact quantiles, which every accepted error allows."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql.connect.proto import Expression, Relation

from cauce.connect.preparation import Preparation, replace
from cauce.engine import local_relation
from cauce.plan.build import alias, attribute, project

__all__ = ["approx_quantile"]

RESULT = pa.list_(pa.list_(pa.float64()))


def approx_quantile(node: Relation, preparation: Preparation) -> None:
    """One row, one column: for each asked column its quantiles; nulls and NaN count for nothing."""
    asked = node.approx_quantile
    answers: list[list[float]] = []
    if preparation.running:
        columns = [_as_double(attribute(name), name) for name in asked.cols]
        table = preparation.session.engine.run(project(asked.input, columns))
        answers = [_quantiles(column, list(asked.probabilities)) for column in table.columns]
    result = pa.table({"approx_quantile": pa.array([answers], RESULT)})
    replace(node, local_relation(result))


def _quantiles(column: pa.ChunkedArray, probabilities: list[float]) -> list[float]:
    """The values of rank ceil(p * n), the smallest for p = 0, as Spark's exact sketch gives."""
    valid = pc.drop_null(column).to_numpy()
    values = np.sort(valid[~np.isnan(valid)])
    if not len(values):
        return []
    ranks = [max(int(np.ceil(p * len(values))), 1) - 1 for p in probabilities]
    return [float(values[rank]) for rank in ranks]


def _as_double(column: Expression, name: str) -> Expression:
    cast = Expression(cast=Expression.Cast(expr=column, type_str="double"))
    return alias(cast, name)
