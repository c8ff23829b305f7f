"""Power iteration clustering: the nodes of a graph of similarities in k groups.

As MLlib's PowerIterationClustering: the normalised matrix of similarities is multiplied with a vector
until it hardly changes its speed, and k-means groups the vector's numbers.
"""

import numpy as np
import pyarrow as pa
import scipy.sparse as sp

from cauce.errors import SparkRuntimeException
from cauce.ml.clustering.lloyd import EUCLIDEAN, Points, closest, cluster
from cauce.ml.columns import check_numeric, doubles
from cauce.ml.stage import Dataset
from cauce.ml.vectors import shape_of

__all__ = ["assign_clusters"]

KMEANS_ITERATIONS = 20


def assign_clusters(
    dataset: Dataset, k: int, iterations: int, init_mode: str, source: str, target: str, weight: str
) -> pa.Table:
    """id and cluster of every node; each pair of nodes is listed once, an edge to itself does not count."""
    for name in (source, target, *([weight] if weight else [])):
        check_numeric(dataset.schema, name)
    table = dataset.table([source, target, *([weight] if weight else [])]).combine_chunks()
    sources, targets = (table.column(place).cast(pa.int64()).to_numpy() for place in (0, 1))
    weights = doubles(table.column(2).combine_chunks()) if weight else np.ones(len(sources))
    wrong = (weights < 0) | np.isinf(weights)
    if wrong.any():
        message = f"Weights MUST NOT be Negative or Infinity, but got {weights[wrong][0]}"
        raise SparkRuntimeException("USER_RAISED_EXCEPTION", errorMessage=message)
    ids, numbers = np.unique(np.concatenate([sources, targets]), return_inverse=True)
    starts, ends = np.split(numbers, 2)
    matrix = _normalised(starts, ends, weights, len(ids))
    vector = _powered(matrix, _start(matrix, init_mode), iterations)
    found = cluster(
        Points([vector.reshape(-1, 1)], [np.ones(len(vector))], EUCLIDEAN),
        k,
        init_mode="k-means||",
        init_steps=5,
        iterations=KMEANS_ITERATIONS,
        tol=1e-12,
        seed=0,
    )
    groups, _ = closest(vector.reshape(-1, 1), found.centers, EUCLIDEAN)
    fields = [pa.field("id", pa.int64(), nullable=False), pa.field("cluster", pa.int32(), nullable=False)]
    return pa.Table.from_arrays([pa.array(ids), pa.array(groups, pa.int32())], schema=pa.schema(fields))


def _normalised(sources: np.ndarray, targets: np.ndarray, weights: np.ndarray, count: int) -> sp.csr_array:
    """The symmetric similarities, each row divided by its sum."""
    kept = sources != targets
    rows = np.concatenate([sources[kept], targets[kept]])
    columns = np.concatenate([targets[kept], sources[kept]])
    matrix = sp.csr_array((np.tile(weights[kept], 2), (rows, columns)), shape=(count, count))
    sums = np.asarray(matrix.sum(axis=1)).reshape(-1)
    return sp.csr_array(sp.diags_array(np.divide(1.0, sums, out=np.zeros(count), where=sums > 0)) @ matrix)


def _start(matrix: sp.csr_array, init_mode: str) -> np.ndarray:
    """The degrees of the nodes, or noise."""
    if init_mode == "degree":
        drawn = np.asarray(matrix.sum(axis=0)).reshape(-1)
    else:
        drawn = np.random.default_rng(0).standard_normal(shape_of(matrix)[0])
    return drawn / np.abs(drawn).sum()


def _powered(matrix: sp.csr_array, vector: np.ndarray, iterations: int) -> np.ndarray:
    tolerance = max(1e-5 / len(vector), 1e-8)
    speed_before = np.inf
    for _ in range(iterations):
        following = matrix @ vector
        following /= np.abs(following).sum()
        speed = np.abs(following - vector).sum()
        vector = following
        if abs(speed_before - speed) < tolerance:
            break
        speed_before = speed
    return vector
