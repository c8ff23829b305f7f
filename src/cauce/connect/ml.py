"""Where pyspark.ml begins: its libraries are loaded when a program first uses it."""

import contextlib
import importlib.util
from collections.abc import Callable, Iterator

from pyspark.sql.connect import proto
from pyspark.sql.connect.proto import ExecutePlanResponse, MlCommandResult, Relation
from pyspark.sql.types import StructType

from cauce.connect.execution import Execution
from cauce.connect.preparation import Preparation
from cauce.errors import UnsupportedOperationException
from cauce.session import Session

__all__ = ["ML_COMMANDS", "ml_relation", "stage_over_stream"]

LIBRARIES = ("numba", "scipy", "sklearn")


def ml_command(message: proto.MlCommand, execution: Execution) -> Iterator[ExecutePlanResponse]:
    """Fit, fetch, evaluate, read, write, and the cache of models."""
    if execution.session.models is None and message.WhichOneof("command") == "clean_cache":
        # Every client says so when it leaves.
        nothing = proto.Expression.Literal(integer=0)
        yield ExecutePlanResponse(ml_command_result=MlCommandResult(param=nothing))
        return
    _require_libraries()
    from cauce.connect.ml_commands import answer

    yield ExecutePlanResponse(ml_command_result=answer(message, execution))


def ml_relation(node: Relation, preparation: Preparation) -> None:
    """`model.transform(df)`, or an attribute that is a DataFrame."""
    _require_libraries()
    from cauce.connect.ml_relations import rewrite

    rewrite(node, preparation)


def stage_over_stream(
    node: Relation,
    session: Session,
    lease: contextlib.ExitStack,
    schema_of: Callable[[Relation], StructType],
) -> None:
    """`model.transform(stream)`: the stage becomes a function of batches."""
    _require_libraries()
    from cauce.connect.ml_relations import append_stage

    append_stage(node, session, lease, schema_of)


def _require_libraries() -> None:
    """Said before any work: some stages load theirs only when they are fitted."""
    for name in LIBRARIES:
        if importlib.util.find_spec(name) is None:
            raise UnsupportedOperationException(
                None, f'pyspark.ml needs {name}, which is not installed: pip install "cauce[ml]"'
            )


ML_COMMANDS = {"ml_command": ml_command}
