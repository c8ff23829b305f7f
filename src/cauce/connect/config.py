"""Config: the session's settings. Sail holds what is set; keys it has no default for get ours."""

import re
import zoneinfo
from collections.abc import Callable, Iterable

import grpc
from pyspark.sql.connect.proto import ConfigRequest, ConfigResponse, KeyValue

from cauce.conf import DEFAULTS
from cauce.engine.errors import translate
from cauce.errors import (
    AnalysisException,
    IllegalArgumentException,
    SparkError,
    SparkNoSuchElementException,
)
from cauce.session import Session

__all__ = ["OPERATIONS", "config", "get_value", "reset", "set_value"]

Operation = ConfigRequest.Operation

TIME_ZONE = "spark.sql.session.timeZone"

OWN_DEFAULTS = {
    "spark.sql.connect.serverStacktrace.enabled": "false",
    "spark.sql.pyspark.jvmStacktrace.enabled": "false",
}
"""Where Spark's default would not help: a stack trace of this server under every error."""

STATIC = frozenset(
    {
        "spark.sql.catalogImplementation",
        "spark.sql.extensions",
        "spark.sql.warehouse.dir",
        "spark.sql.streaming.streamingQueryListeners",
        "spark.sql.streaming.ui.enabled",
    }
)
INTEGERS = frozenset(
    {
        "spark.sql.shuffle.partitions",
        "spark.sql.streaming.minBatchesToRetain",
        "spark.sql.streaming.numRecentProgressUpdates",
    }
)
INTEGER = re.compile(r"[+-]?\d+")
BOOLEANS = frozenset({"true", "false"})
CORE_PREFIXES = (
    "spark.app.",
    "spark.cores.",
    "spark.driver.",
    "spark.executor.",
    "spark.jars",
    "spark.master",
)
"""Settings of a cluster's processes: Spark refuses to change them in a running session."""


def config(request: ConfigRequest, session: Session) -> ConfigResponse:
    kind = request.operation.WhichOneof("op_type")
    if kind is None:
        raise IllegalArgumentException(None, "A config request without an operation")
    response = OPERATIONS[kind](getattr(request.operation, kind), session)
    response.session_id = session.session_id
    response.server_side_session_id = session.server_side_session_id
    return response


def set_value(key: str, value: str, session: Session, *, checked: bool = True) -> list[str]:
    """Set one key, here and in Sail; the warnings. Raises what Spark raises for a bad key or value."""
    if checked:
        _check(key, value)
    pairs = [KeyValue(key=key, value=value)]
    response = _sail(Operation(set=ConfigRequest.Set(pairs=pairs)), session)
    session.settings.set(key, value)
    _refresh_time_zone([key], session)
    return list(response.warnings)


def get_value(key: str, session: Session) -> str | None:
    """The value or default of one key, None if nobody knows it."""
    [pair] = _lookup([key], session).pairs
    return pair.value if pair.HasField("value") else None


def reset(key: str, session: Session) -> ConfigResponse:
    """Forget what was set."""
    return unset(ConfigRequest.Unset(keys=[key]), session)


def set_(message: ConfigRequest.Set, session: Session) -> ConfigResponse:
    """`silent` is what a session builder asks for: what cannot be set is remembered and left at that."""
    response = ConfigResponse()
    for pair in message.pairs:
        try:
            response.warnings.extend(set_value(pair.key, pair.value, session))
        except SparkError:
            if not message.silent:
                raise
            session.settings.set(pair.key, pair.value)
    return response


def get(message: ConfigRequest.Get, session: Session) -> ConfigResponse:
    response = _lookup(message.keys, session)
    for pair in response.pairs:
        if not pair.HasField("value"):
            raise SparkNoSuchElementException("SQL_CONF_NOT_FOUND", sqlConf=f'"{pair.key}"')
    return response


def get_with_default(message: ConfigRequest.GetWithDefault, session: Session) -> ConfigResponse:
    response = _sail(Operation(get_with_default=message), session)
    for pair in response.pairs:
        explicit = session.settings.get(pair.key)
        if explicit is not None:
            pair.value = explicit
    return response


def get_option(message: ConfigRequest.GetOption, session: Session) -> ConfigResponse:
    return _lookup(message.keys, session)


def get_all(message: ConfigRequest.GetAll, session: Session) -> ConfigResponse:
    prefix = message.prefix
    values = {key: value for key, value in session.settings.all().items() if key.startswith(prefix)}
    response = _sail(Operation(get_all=message), session)
    values.update((pair.key, pair.value) for pair in response.pairs)
    pairs = [KeyValue(key=key.removeprefix(prefix), value=values[key]) for key in sorted(values)]
    return ConfigResponse(pairs=pairs, warnings=response.warnings)


def unset(message: ConfigRequest.Unset, session: Session) -> ConfigResponse:
    for key in message.keys:
        session.settings.unset(key)
    response = _sail(Operation(unset=message), session)
    _refresh_time_zone(message.keys, session)
    return response


def is_modifiable(message: ConfigRequest.IsModifiable, session: Session) -> ConfigResponse:
    response = _sail(Operation(is_modifiable=message), session)
    for pair in response.pairs:
        if pair.key in DEFAULTS:
            pair.value = "true"
    return response


OPERATIONS: dict[str, Callable[..., ConfigResponse]] = {
    "set": set_,
    "get": get,
    "get_with_default": get_with_default,
    "get_option": get_option,
    "get_all": get_all,
    "unset": unset,
    "is_modifiable": is_modifiable,
}


def _check(key: str, value: str) -> None:
    if key in STATIC:
        raise AnalysisException("CANNOT_MODIFY_STATIC_CONFIG", key=f'"{key}"')
    if key.startswith(CORE_PREFIXES):
        docs = "https://spark.apache.org/docs/latest"
        raise AnalysisException("CANNOT_MODIFY_CONFIG", key=f'"{key}"', docroot=docs)
    if key == TIME_ZONE and not _is_zone(value):
        raise IllegalArgumentException("INVALID_CONF_VALUE.TIME_ZONE", confValue=value, confName=key)
    expected = "int" if key in INTEGERS else "boolean" if DEFAULTS.get(key) in BOOLEANS else None
    if expected is not None and not _is_a(expected, value):
        raise IllegalArgumentException(
            "INVALID_CONF_VALUE.TYPE_MISMATCH", confName=key, confValue=value, confType=expected
        )


def _is_zone(name: str) -> bool:
    if name[:1] in "+-" or name in ("Z", "UTC", "GMT"):
        return True
    try:
        zoneinfo.ZoneInfo(name)
    except (ValueError, OSError, zoneinfo.ZoneInfoNotFoundError):
        return False
    return True


def _is_a(expected: str, text: str) -> bool:
    return (
        text.strip().lower() in BOOLEANS if expected == "boolean" else bool(INTEGER.fullmatch(text.strip()))
    )


def _lookup(keys: Iterable[str], session: Session) -> ConfigResponse:
    response = _sail(Operation(get_option=ConfigRequest.GetOption(keys=keys)), session)
    for pair in response.pairs:
        explicit = session.settings.get(pair.key)
        if explicit is not None:
            pair.value = explicit
        elif pair.key in OWN_DEFAULTS:
            pair.value = OWN_DEFAULTS[pair.key]
        elif not pair.HasField("value") and pair.key in DEFAULTS:
            pair.value = DEFAULTS[pair.key]
    return response


def _sail(operation: ConfigRequest.Operation, session: Session) -> ConfigResponse:
    request = ConfigRequest(session_id=session.server_side_session_id, operation=operation)
    request.user_context.user_id = session.key.user_id
    try:
        return ConfigResponse.FromString(session.engine.raw.config(request.SerializeToString()))
    except grpc.RpcError as error:
        raise translate(error) from None


def _refresh_time_zone(keys: Iterable[str], session: Session) -> None:
    if TIME_ZONE in keys:
        session.engine.forget_time_zone()
