"""Trees as the rows Apache Spark saves: NodeData, one row a node, and the list of an ensemble's trees."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from cauce.ml.trees.tree import Tree

__all__ = ["ensemble_rows", "ensemble_trees", "node_rows", "tree_of"]

SPLIT = pa.struct(
    [
        pa.field("featureIndex", pa.int32(), nullable=False),
        pa.field("leftCategoriesOrThreshold", pa.list_(pa.field("element", pa.float64(), nullable=False))),
        pa.field("numCategories", pa.int32(), nullable=False),
    ]
)
NODE = pa.schema(
    [
        pa.field("id", pa.int32(), nullable=False),
        pa.field("prediction", pa.float64(), nullable=False),
        pa.field("impurity", pa.float64(), nullable=False),
        pa.field("impurityStats", pa.list_(pa.field("element", pa.float64(), nullable=False))),
        pa.field("rawCount", pa.int64(), nullable=False),
        pa.field("gain", pa.float64(), nullable=False),
        pa.field("leftChild", pa.int32(), nullable=False),
        pa.field("rightChild", pa.int32(), nullable=False),
        pa.field("split", SPLIT),
    ]
)


def node_rows(tree: Tree) -> pa.Table:
    """One row a node, numbered in preorder."""
    width = tree.stats.shape[1]
    stats = pa.ListArray.from_arrays(
        np.arange(tree.node_count + 1, dtype=np.int32) * width,
        pa.array(tree.stats.reshape(-1)),
        type=NODE.field("impurityStats").type,
    )
    cuts = [_cut(tree, node) for node in range(tree.node_count)]
    split = pa.StructArray.from_arrays(
        [
            pa.array(tree.features, pa.int32()),
            pa.array(cuts, SPLIT.field("leftCategoriesOrThreshold").type),
            pa.array(tree.category_counts, pa.int32()),
        ],
        fields=list(SPLIT),
    )
    columns = [
        np.arange(tree.node_count),
        tree.predictions,
        tree.impurities,
        stats,
        tree.row_counts,
        tree.gains,
        tree.lefts,
        tree.rights,
        split,
    ]
    return pa.Table.from_arrays(
        [pa.array(values, field.type) for values, field in zip(columns, NODE, strict=True)], schema=NODE
    )


def tree_of(rows: pa.Table, *, is_regression: bool) -> Tree:
    """The tree saved as these rows, in any order; NaN where an older Spark did not write a column."""
    rows = rows.combine_chunks().sort_by("id")
    split = pa.chunked_array(rows.column("split").chunks, rows.schema.field("split").type).combine_chunks()
    features, cuts, counts = (
        split.field(name) for name in ("featureIndex", "leftCategoriesOrThreshold", "numCategories")
    )
    values = cuts.to_pylist()
    category_counts = counts.to_numpy()
    features = features.to_numpy()
    return Tree(
        predictions=_numbers(rows, "prediction"),
        impurities=_numbers(rows, "impurity"),
        stats=np.array(rows.column("impurityStats").to_pylist(), dtype=np.float64),
        row_counts=_numbers(rows, "rawCount") if "rawCount" in rows.column_names else np.full(len(rows), -1),
        gains=_numbers(rows, "gain"),
        lefts=_numbers(rows, "leftChild"),
        rights=_numbers(rows, "rightChild"),
        features=features,
        thresholds=np.array(
            [cut[0] if cut and count < 0 else 0.0 for cut, count in zip(values, category_counts, strict=True)]
        ),
        categories={
            node: tuple(int(category) for category in values[node])
            for node in np.flatnonzero((category_counts >= 0) & (features >= 0)).tolist()
        },
        category_counts=category_counts,
        is_regression=is_regression,
    )


def ensemble_rows(
    trees: Sequence[Tree], metadata: Sequence[Mapping[str, Any]], weights: Sequence[float]
) -> dict[str, pa.Table]:
    """The folders `data` and `treesMetadata` of an ensemble; metadata: the JSON of each tree's own model."""
    tables = [node_rows(tree) for tree in trees]
    ids = np.repeat(np.arange(len(trees), dtype=np.int32), [len(table) for table in tables])
    nodes = pa.concat_tables(tables).combine_chunks().to_struct_array().combine_chunks()
    fields = [pa.field("treeID", pa.int32(), nullable=False), pa.field("nodeData", pa.struct(list(NODE)))]
    listed = [
        pa.field("_1", pa.int32(), nullable=False),
        pa.field("_2", pa.string()),
        pa.field("_3", pa.float64(), nullable=False),
    ]
    texts = [json.dumps(one, separators=(",", ":")) for one in metadata]
    columns = [
        pa.array(range(len(trees)), pa.int32()),
        pa.array(texts, pa.string()),
        pa.array(weights, pa.float64()),
    ]
    return {
        "data": pa.Table.from_arrays([pa.array(ids), nodes], schema=pa.schema(fields)),
        "treesMetadata": pa.Table.from_arrays(columns, schema=pa.schema(listed)),
    }


def ensemble_trees(
    folders: Mapping[str, pa.Table], *, is_regression: bool
) -> tuple[list[Tree], list[str], list[float]]:
    """The trees, their uids and their weights."""
    listed = sorted(folders["treesMetadata"].to_pylist(), key=lambda row: row["_1"])
    data = folders["data"].combine_chunks()
    ids = data.column("treeID").to_numpy()
    nodes = pa.Table.from_struct_array(data.column("nodeData").combine_chunks())
    trees = [tree_of(nodes.filter(pa.array(ids == row["_1"])), is_regression=is_regression) for row in listed]
    return trees, [json.loads(row["_2"])["uid"] for row in listed], [row["_3"] for row in listed]


def _cut(tree: Tree, node: int) -> list[float]:
    if tree.is_leaf[node]:
        return []
    if node in tree.categories:
        return [float(category) for category in tree.categories[node]]
    return [float(tree.thresholds[node])]


def _numbers(rows: pa.Table, name: str) -> np.ndarray:
    return rows.column(name).to_numpy()
