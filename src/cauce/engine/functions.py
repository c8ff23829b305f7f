"""Functions of this process that Sail applies to batches: a plan holds a key, nothing is pickled."""

import sys
import threading
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pyarrow as pa
from pyspark.sql.connect import proto
from pyspark.sql.connect.proto import Relation
from pyspark.sql.types import StructType

from cauce.engine.live_errors import LiveError
from cauce.errors import SparkError

__all__ = ["Applied", "BatchFunction", "applied", "function_of", "map_applied", "map_arrow", "passed"]

BatchFunction = Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]
"""What mapInArrow takes: the batches of one partition in, any batches out."""

KEY_PREFIX = "applied:"

_lock = threading.Lock()
_functions: dict[str, BatchFunction] = {}


class applied:  # noqa: N801 - used as a context function, like `contextlib.suppress`
    """`with applied(function) as key:` plans can apply the function under `key` meanwhile."""

    def __init__(self, function: BatchFunction) -> None:
        self._function = function
        self.key = uuid.uuid4().hex

    def __enter__(self) -> str:
        with _lock:
            _functions[self.key] = self._function
        return self.key

    def __exit__(self, *_: object) -> None:
        with _lock:
            _functions.pop(self.key, None)


class Applied:
    """A mapInArrow function that is another one of this process; errors of ours come back as themselves."""

    def __init__(self, key: str) -> None:
        self.key = key

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        try:
            yield from _functions[self.key](batches)
        except SparkError as error:
            raise LiveError(error) from None


def function_of(relation: Relation) -> BatchFunction | None:
    """The function of this process that a relation made by `map_arrow` applies; None for any other."""
    if relation.WhichOneof("rel_type") != "map_partitions":
        return None
    name = relation.map_partitions.func.function_name
    return _functions.get(name.removeprefix(KEY_PREFIX)) if name.startswith(KEY_PREFIX) else None


def map_applied(relation: Relation, key: str, schema: StructType) -> Relation:
    """The relation's rows after the function under `key`, which gives the columns of `schema`."""
    return map_arrow(relation, Applied(key), schema, name=KEY_PREFIX + key)


def passed(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """A mapInArrow function that changes nothing, so that rows can be given a schema."""
    return batches


def map_arrow(relation: Relation, function: Any, schema: StructType, *, name: str) -> Relation:
    """`mapInArrow` with a function that is pickled by reference to this process's modules."""
    from pyspark.serializers import CloudPickleSerializer
    from pyspark.sql.connect.types import pyspark_types_to_proto_types
    from pyspark.util import PythonEvalType

    udf = proto.PythonUDF(
        output_type=pyspark_types_to_proto_types(schema),
        eval_type=PythonEvalType.SQL_MAP_ARROW_ITER_UDF,
        command=CloudPickleSerializer().dumps((function, schema)),
        python_ver=f"{sys.version_info.major}.{sys.version_info.minor}",
    )
    everything = proto.Expression(unresolved_star=proto.Expression.UnresolvedStar())
    call = proto.CommonInlineUserDefinedFunction(
        function_name=name, deterministic=True, arguments=[everything], python_udf=udf
    )
    return Relation(map_partitions=proto.MapPartitions(input=relation, func=call))
