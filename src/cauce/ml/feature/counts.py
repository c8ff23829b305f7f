"""How often each value of a column occurs, counted batch by batch."""

import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["Counts"]

ROWS_BETWEEN_MERGES = 1 << 20


class Counts:
    """Nulls are left out. Holds the distinct values, and for a while those of each batch."""

    def __init__(self) -> None:
        self.parts: list[pa.Table] = []
        self.rows = 0

    def add(self, values: pa.Array) -> None:
        """Count these as well."""
        values = values.drop_null()
        if isinstance(values, pa.DictionaryArray):
            values = values.dictionary_decode()
        found = pc.value_counts(values)
        self.parts.append(pa.table({"value": found.field("values"), "count": found.field("counts")}))
        self.rows += len(found)
        if self.rows > ROWS_BETWEEN_MERGES:
            self._merge()

    def merged(self) -> tuple[pa.Array, pa.Array]:
        """The distinct values and how often each was there."""
        self._merge()
        if not self.parts:
            return pa.array([], pa.string()), pa.array([], pa.int64())
        return self.parts[0]["value"].combine_chunks(), self.parts[0]["count"].combine_chunks()

    def _merge(self) -> None:
        if len(self.parts) < 2:
            return
        grouped = pa.concat_tables(self.parts).group_by("value").aggregate([("count", "sum")])
        self.parts = [grouped.select(["value", "count_sum"]).rename_columns(["value", "count"])]
        # What is merged no longer counts, so that merging costs in proportion to what is new.
        self.rows = 0
