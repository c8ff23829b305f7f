"""One hash aggregation over a batch: all requests of all aggregates, keyed once."""

from collections.abc import Sequence

import pyarrow as pa

from cauce.streaming.operators.aggregates.rows import Request, Rows
from cauce.streaming.operators.physical import one_piece

__all__ = ["group_by"]


def group_by(
    keys: pa.Table, rows: Rows, requests: Sequence[Request]
) -> tuple[pa.Table, dict[Request, pa.Array]]:
    """The distinct keys in Arrow's order, and the result of each request per key.

    One thread on purpose: it keeps rows in order (lists, floating-point sums), so that a batch run
    again after a crash gives the same answer to the last bit.
    """
    wanted = list(dict.fromkeys(requests))
    columns = {f"v{i}": rows.column(r.column) for i, r in enumerate(wanted) if r.column}
    table = pa.table([*keys.columns, *columns.values()], names=[*keys.column_names, *columns])
    calls = [(f"v{i}" if r.column else [], r.function) for i, r in enumerate(wanted)]
    grouped = table.group_by(keys.column_names, use_threads=False).aggregate(calls)
    width = keys.num_columns
    results = [one_piece(column) for column in grouped.columns[width:]]
    return grouped.select(range(width)), dict(zip(wanted, results, strict=True))
