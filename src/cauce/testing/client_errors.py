"""Errors of a query under test as the official client raises them, though no call crosses the network."""

from google.rpc import error_details_pb2, status_pb2
from pyspark.errors.exceptions.connect import SparkConnectException, convert_exception
from pyspark.sql.connect.proto import FetchErrorDetailsRequest

from cauce.connect.errors import fetch_error_details, to_status
from cauce.session import Session

__all__ = ["client_error", "conditions"]


def client_error(error: Exception, session: Session) -> SparkConnectException:
    """What a program would have caught: class, condition, SQLSTATE and message."""
    status = to_status(error, session)
    sent = status_pb2.Status()
    for key, value in status.trailing_metadata or ():
        if key == "grpc-status-details-bin" and isinstance(value, bytes):
            sent.ParseFromString(value)
    info = error_details_pb2.ErrorInfo()
    sent.details[0].Unpack(info)
    request = FetchErrorDetailsRequest(error_id=info.metadata["errorId"])
    return convert_exception(info, sent.message, fetch_error_details(request, session))


def conditions(error: BaseException | None) -> list[str]:
    """Names of an error and its causes: conditions, and classes of Python errors, outermost first."""
    names = []
    while error is not None:
        names.append(getattr(error, "condition", None) or type(error).__name__)
        error = error.__cause__
    return names
