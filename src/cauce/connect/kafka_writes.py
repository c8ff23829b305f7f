"""`df.write.format("kafka").save()`: a batch as records of a topic."""

import contextlib

from pyspark.sql.connect.proto import Relation, WriteOperation
from pyspark.sql.types import StructType

from cauce.connect.plans import compute, prepare
from cauce.errors import AnalysisException
from cauce.kafka import KafkaWriter, Sender, check_columns, producer_properties
from cauce.session import Session

__all__ = ["write_kafka"]

REFUSED_MODES = {
    WriteOperation.SAVE_MODE_OVERWRITE: "Overwrite",
    WriteOperation.SAVE_MODE_IGNORE: "Ignore",
}


def write_kafka(message: WriteOperation, session: Session) -> None:
    """Send every row; at least once, as Spark does."""
    if message.mode in REFUSED_MODES:
        raise AnalysisException(
            "_LEGACY_ERROR_TEMP_3081",
            mode=REFUSED_MODES[message.mode],
            append="Append",
            errorIfExists="ErrorIfExists",
        )
    options = dict(message.options)
    properties = producer_properties(options)
    topic = next((value.strip() for name, value in options.items() if name.lower() == "topic"), None)
    check_columns(_schema(message.input, session), topic)
    sender = Sender(properties)
    try:
        writer = KafkaWriter(sender, topic)
        writer.write(compute(message.input, session))
        writer.flush()
    finally:
        sender.close()


def _schema(relation: Relation, session: Session) -> StructType:
    """The columns, before anything is computed."""
    analysed = Relation()
    analysed.CopyFrom(relation)
    with contextlib.ExitStack() as lease:
        prepare(analysed, session, lease, running=False)
        return session.engine.schema(analysed)
