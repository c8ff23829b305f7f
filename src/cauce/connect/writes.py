"""`df.write...save()`: by the engine, or by us for a format that the engine does not know."""

import contextlib
from collections.abc import Callable, Iterator

from pyspark.sql.connect.proto import WriteOperation

from cauce.connect import forward
from cauce.connect.delta_writes import write_delta
from cauce.connect.execution import Execution
from cauce.connect.kafka_writes import write_kafka
from cauce.connect.object_writes import is_object_write, write_objects
from cauce.connect.plans import prepare
from cauce.connect.stream_plans import refuse_stream
from cauce.connect.wire import Parts
from cauce.jdbc import write_table
from cauce.session import Session

__all__ = ["write_operation"]


def write_operation(message: WriteOperation, execution: Execution) -> Iterator[Parts]:
    """Write a batch; a stream is refused as by any write."""
    refuse_stream(execution.request.plan, execution.session)
    writer = WRITERS.get(message.source.lower())
    if writer is not None:
        writer(message, execution.session)
    elif is_object_write(message):
        write_objects(message, execution)
    elif not write_delta(message, execution.session):
        return forward.execute(execution)
    return iter(())


def _write_jdbc(message: WriteOperation, session: Session) -> None:
    """The frame's rows, computed by the engine, go into the table in one transaction."""
    with contextlib.ExitStack() as lease:
        prepare(message.input, session, lease)
        schema = session.engine.schema(message.input)
        rows = session.engine.run(message.input)
    write_table(rows, schema, message.mode, dict(message.options), session.engine)


WRITERS: dict[str, Callable[[WriteOperation, Session], None]] = {"jdbc": _write_jdbc, "kafka": write_kafka}
"""By format in lower case. Whether a table is a Delta table is not always known from the format."""
