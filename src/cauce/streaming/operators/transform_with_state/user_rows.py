"""What a processor sees of a batch and gives back: pandas frames, or rows."""

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
from pyspark.sql import Row
from pyspark.sql.pandas.types import to_arrow_schema
from pyspark.sql.types import StructType

from cauce.streaming.operators.pandas_groups import (
    checked_frames,
    frames_of,
    frames_to_arrow,
    key_tuples,
)

__all__ = ["PandasRows", "PythonRows", "UserRows"]


class UserRows(Protocol):
    """One of the two faces of transformWithState."""

    operator_name: str

    def groups(self, rows: pa.Table, lengths: np.ndarray) -> Iterator[Any]:
        """Consecutive rows of each group; None where a length is zero."""
        ...

    def keys(self, keys: pa.Table) -> list[tuple[Any, ...]]:
        """The keys as the processor gets them."""
        ...

    def taken(self, output: Any) -> list[Any]:
        """Everything a handler gives, drained and checked."""
        ...

    def to_arrow(self, output: Sequence[Any]) -> pa.Table:
        """All outputs of a batch."""
        ...


class PandasRows:
    """transformWithStateInPandas."""

    operator_name = "transformWithStateInPandasExec"

    def __init__(self, schema: StructType, time_zone: str) -> None:
        self._schema, self._time_zone = schema, time_zone
        self._arrow = to_arrow_schema(schema, timezone=time_zone)

    def groups(self, rows: pa.Table, lengths: np.ndarray) -> Iterator[Any]:
        frames = frames_of(rows, lengths, self._time_zone)
        return (iter([frame]) if len(frame) else None for frame in frames)

    def keys(self, keys: pa.Table) -> list[tuple[Any, ...]]:
        return key_tuples(keys, self._time_zone)

    def taken(self, output: Any) -> list[Any]:
        return list(checked_frames(output, self._schema))

    def to_arrow(self, output: Sequence[Any]) -> pa.Table:
        rows = frames_to_arrow(output, self._schema, self._time_zone)
        return self._arrow.empty_table() if rows is None else rows.cast(self._arrow)


class PythonRows:
    """transformWithState."""

    operator_name = "transformWithStateInPySparkExec"

    def __init__(self, schema: StructType, time_zone: str) -> None:
        self._arrow = to_arrow_schema(schema, timezone=time_zone)
        self._arrow_in_utc = to_arrow_schema(schema, timezone="UTC")

    def groups(self, rows: pa.Table, lengths: np.ndarray) -> Iterator[Any]:
        make = Row(*rows.column_names)
        # Per row on purpose: the user's function takes rows.
        values = zip(*(column.to_pylist() for column in rows.columns), strict=True)
        for length in lengths.tolist():
            group = [make(*next(values)) for _ in range(length)]
            yield iter(group) if group else None

    def keys(self, keys: pa.Table) -> list[tuple[Any, ...]]:
        return list(zip(*(column.to_pylist() for column in keys.columns), strict=True))

    def taken(self, output: Any) -> list[Any]:
        return [row.asDict(True) for row in output]

    def to_arrow(self, output: Sequence[Any]) -> pa.Table:
        return pa.Table.from_pylist(list(output), schema=self._arrow_in_utc).cast(self._arrow)
