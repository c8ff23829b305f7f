"""The console sink: every batch as a table of text on the user's terminal or notebook."""

import pyarrow as pa
from pyspark.sql.connect.proto import Relation, ShowString

from cauce.engine import input_leaf
from cauce.streaming.sinks.sink import SinkContext, SinkOptions

__all__ = ["ConsoleSink"]

RULE = "-------------------------------------------"
TRUNCATE_CHARACTERS = 20


class ConsoleSink:
    """`numRows` (20) rows of a batch, cells cut to 20 characters unless `truncate` is false."""

    output_modes: tuple[str, ...] = ("append", "update", "complete")

    def __init__(self, options: SinkOptions, context: SinkContext) -> None:
        self._num_rows = options.integer("numRows", 20)
        self._truncate = options.flag("truncate", True)
        self._engine = context.engine
        self._emit = context.emit or print

    def description(self) -> str:
        # Spark prints a Java object here: class name and identity hash.
        return f"org.apache.spark.sql.execution.streaming.ConsoleTable$@{id(self) & 0xFFFFFFFF:x}"

    def add_batch(self, batch_id: int, table: pa.Table) -> int:
        self._emit(f"{RULE}\nBatch: {batch_id}\n{RULE}\n{self._render(table)}\n")
        return table.num_rows

    def stop(self) -> None:
        """Nothing is held."""

    def _render(self, table: pa.Table) -> str:
        show = ShowString(
            input=input_leaf("batch"),
            num_rows=self._num_rows,
            truncate=TRUNCATE_CHARACTERS if self._truncate else 0,
        )
        # One row more than shown is enough for the "only showing top n rows" line.
        shown = table.slice(0, max(self._num_rows, 0) + 1)
        rendered = self._engine.run(Relation(show_string=show), {"batch": shown})
        text = rendered.column(0)[0].as_py()
        # Spark's table ends its last line, so that an empty line follows; its "only showing" line does not.
        return text if table.num_rows <= self._num_rows else text.removesuffix("\n")
