"""Sail's errors in Spark's words."""

import json

import grpc
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from cauce import errors
from cauce.errors import SparkError

__all__ = ["translate"]

CLASSES: dict[str, type[SparkError]] = {
    cls.java_class: cls
    for cls in vars(errors).values()
    if isinstance(cls, type) and issubclass(cls, SparkError)
}


def translate(error: grpc.RpcError) -> SparkError:
    """The error Spark would have raised where Sail's endpoint answered with `error`."""
    status = rpc_status.from_call(error)
    message = status.message if status is not None else str(error.details())
    java_class = _java_class(status)
    return CLASSES.get(java_class, SparkError)(None, message)


def _java_class(status) -> str:
    for detail in status.details if status is not None else ():
        if detail.Is(error_details_pb2.ErrorInfo.DESCRIPTOR):
            info = error_details_pb2.ErrorInfo()
            detail.Unpack(info)
            return json.loads(info.metadata.get("classes", "[]") or "[]")[0]
    return SparkError.java_class
