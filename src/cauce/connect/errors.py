"""Errors on their way to the client: a gRPC status with Spark's ErrorInfo, and the full chain behind it."""

import json
import traceback
import uuid

import grpc
from google.protobuf import any_pb2
from google.rpc import code_pb2, error_details_pb2, status_pb2
from grpc_status import rpc_status
from pyspark.sql.connect.proto import FetchErrorDetailsRequest, FetchErrorDetailsResponse, Plan

from cauce.engine.errors import translate
from cauce.errors import SparkError
from cauce.session import Session

__all__ = ["as_spark_error", "fetch_error_details", "to_status", "with_suggestion"]

MESSAGE_CHARS_MAX = 2048
"""A status travels in HTTP headers; the client gets the whole text from FetchErrorDetails."""
PARAMETERS_CHARS_MAX = 1024
ERRORS_KEPT_MAX = 32
CAUSES_MAX = 16


def as_spark_error(error: BaseException) -> SparkError:
    """Any error as one that PySpark knows how to show."""
    if isinstance(error, SparkError):
        return error
    if isinstance(error, grpc.RpcError):
        return translate(error)
    wrapped = SparkError("INTERNAL_ERROR", message=f"{type(error).__name__}: {error}")
    wrapped.__cause__ = error
    return wrapped


def to_status(error: BaseException, session: Session | None = None) -> grpc.Status:
    """The status to abort a call with. With a session, details wait there under a new error id."""
    spark_error = as_spark_error(error)
    info = error_details_pb2.ErrorInfo(
        reason=spark_error.java_class, domain="org.apache.spark", metadata=_metadata(spark_error)
    )
    if session is not None:
        info.metadata["errorId"] = _remember(spark_error, session)
    detail = any_pb2.Any()
    detail.Pack(info)
    message = _abbreviate(str(spark_error), MESSAGE_CHARS_MAX)
    return rpc_status.to_status(status_pb2.Status(code=code_pb2.INTERNAL, message=message, details=[detail]))


def fetch_error_details(request: FetchErrorDetailsRequest, session: Session) -> FetchErrorDetailsResponse:
    """The chain of an error, once; an unknown id gives an empty answer, as in Spark."""
    errors = session.errors.pop(request.error_id, [])
    return FetchErrorDetailsResponse(root_error_idx=0 if errors else None, errors=errors)


def with_suggestion(error: SparkError, plan: Plan, session: Session) -> SparkError:
    """The error, with the columns there are if it is about one that is not."""
    if error.condition != "UNRESOLVED_COLUMN.WITHOUT_SUGGESTION":
        return error
    # Imported here because few programs need it, and it needs a SQL parser that takes long to load.
    from cauce.connect.suggestions import suggested

    return suggested(error, plan, session)


def _metadata(error: SparkError) -> dict[str, str]:
    metadata = {"classes": json.dumps(error.class_hierarchy)}
    if error.condition is not None:
        metadata["errorClass"] = error.condition
        if error.sqlstate:
            metadata["sqlState"] = error.sqlstate
        parameters = json.dumps(error.parameters)
        if len(parameters) <= PARAMETERS_CHARS_MAX:
            metadata["messageParameters"] = parameters
    return metadata


def _remember(error: SparkError, session: Session) -> str:
    error_id = str(uuid.uuid4())
    session.errors[error_id] = _chain(error)
    while len(session.errors) > ERRORS_KEPT_MAX:
        session.errors.popitem(last=False)
    return error_id


def _chain(error: BaseException) -> list[FetchErrorDetailsResponse.Error]:
    chain: list[FetchErrorDetailsResponse.Error] = []
    current: BaseException | None = error
    while current is not None and len(chain) < CAUSES_MAX:
        if chain:
            chain[-1].cause_idx = len(chain)
        chain.append(_describe(current))
        current = current.__cause__
    return chain


def _describe(error: BaseException) -> FetchErrorDetailsResponse.Error:
    described = FetchErrorDetailsResponse.Error(message=str(error), stack_trace=_stack_trace(error))
    if isinstance(error, SparkError):
        described.error_type_hierarchy.extend(error.class_hierarchy)
        if error.condition is not None:
            throwable = described.spark_throwable
            throwable.error_class = error.condition
            throwable.message_parameters.update(error.parameters)
            if error.sqlstate:
                throwable.sql_state = error.sqlstate
    else:
        described.error_type_hierarchy.extend(cls.__qualname__ for cls in type(error).__mro__[:-1])
    return described


def _stack_trace(error: BaseException) -> list[FetchErrorDetailsResponse.StackTraceElement]:
    return [
        FetchErrorDetailsResponse.StackTraceElement(
            declaring_class="",
            method_name=frame.name,
            file_name=frame.filename,
            line_number=frame.lineno or 0,
        )
        for frame in reversed(traceback.extract_tb(error.__traceback__))
    ]


def _abbreviate(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 3] + "..."
