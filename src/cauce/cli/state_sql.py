"""SQL over tables in memory: one engine, started for the question and stopped after it."""

import contextlib
from collections.abc import Iterator, Mapping

import pyarrow as pa
from pyspark.sql.connect.proto import Command, CreateDataFrameViewCommand, Expression

from cauce.engine import Engine, EngineSession, input_leaf
from cauce.plan.build import filter_by

__all__ = ["query", "where"]


def query(text: str, tables: Mapping[str, pa.Table]) -> pa.Table:
    """The rows of a SQL text that names the tables."""
    with _session() as session, contextlib.ExitStack() as lease:
        for name, rows in tables.items():
            view = CreateDataFrameViewCommand(input=session.leaf(rows, lease), name=name, replace=True)
            session.execute(Command(create_dataframe_view=view))
        return session.sql(text)


def where(rows: pa.Table, condition: str) -> pa.Table:
    """The rows for which a SQL condition holds."""
    expression = Expression(expression_string=Expression.ExpressionString(expression=condition))
    with _session() as session:
        return session.run(filter_by(input_leaf("rows"), expression), {"rows": rows})


@contextlib.contextmanager
def _session() -> Iterator[EngineSession]:
    engine = Engine()
    try:
        yield engine.session("cauce", "state")
    finally:
        engine.stop()
