"""`df.write...save()`: by the engine, or by us for a format that the engine does not know."""

import contextlib
from collections.abc import Callable, Iterator

from pyspark.sql.connect.proto import WriteOperation

from cauce.connect import forward
from cauce.connect.delta_writes import write_delta
from cauce.connect.execution import Execution
from cauce.connect.plans import prepare
from cauce.connect.stream_plans import refuse_stream
from cauce.connect.wire import Parts
from cauce.jdbc import write_table

__all__ = ["write_operation"]

Writer = Callable[[WriteOperation, Execution], Iterator[Parts]]


def write_operation(message: WriteOperation, execution: Execution) -> Iterator[Parts]:
    """Write a batch; a stream is refused as by any write."""
    refuse_stream(execution.request.plan, execution.session)
    writer = WRITERS.get(message.source.lower())
    if writer is not None:
        return writer(message, execution)
    return iter(()) if write_delta(message, execution.session) else forward.execute(execution)


def _write_jdbc(message: WriteOperation, execution: Execution) -> Iterator[Parts]:
    """The frame's rows, computed by the engine, go into the table in one transaction."""
    engine = execution.session.engine
    with contextlib.ExitStack() as lease:
        prepare(message.input, execution.session, lease)
        schema = engine.schema(message.input)
        rows = engine.run(message.input)
    write_table(rows, schema, message.mode, dict(message.options), engine)
    yield from ()


WRITERS: dict[str, Writer] = {"jdbc": _write_jdbc}
"""By format in lower case."""
