"""Config: the session's settings. Sail holds what is set; keys it has no default for get ours."""

from collections.abc import Callable, Iterable

import grpc
from pyspark.sql.connect.proto import ConfigRequest, ConfigResponse, KeyValue

from cauce.conf import DEFAULTS
from cauce.engine.errors import translate
from cauce.errors import AnalysisException, SparkError, SparkNoSuchElementException
from cauce.session import Session

__all__ = ["OPERATIONS", "config"]

Operation = ConfigRequest.Operation


def config(request: ConfigRequest, session: Session) -> ConfigResponse:
    kind = request.operation.WhichOneof("op_type")
    response = OPERATIONS[kind](getattr(request.operation, kind), session)
    response.session_id = session.session_id
    response.server_side_session_id = session.server_side_session_id
    return response


def set_(message: ConfigRequest.Set, session: Session) -> ConfigResponse:
    response = ConfigResponse()
    for pair in message.pairs:
        try:
            response.warnings.extend(_set_pair(pair.key, pair.value, session))
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
    defaults = {pair.key: pair.value if pair.HasField("value") else None for pair in message.pairs}
    for pair in response.pairs:
        explicit = session.settings.get(pair.key)
        if explicit is not None and pair.value == defaults[pair.key]:
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

OWN_DEFAULTS = {
    "spark.sql.connect.serverStacktrace.enabled": "false",
    "spark.sql.pyspark.jvmStacktrace.enabled": "false",
}
"""Where Spark's default would not help: a stack trace of this server under every error."""


def _set_pair(key: str, value: str, session: Session) -> Iterable[str]:
    if _is_static(key, session):
        raise AnalysisException("CANNOT_MODIFY_STATIC_CONFIG", key=f'"{key}"')
    pairs = [KeyValue(key=key, value=value)]
    response = _sail(Operation(set=ConfigRequest.Set(pairs=pairs)), session)
    session.settings.set(key, value)
    _refresh_time_zone([key], session)
    return response.warnings


def _is_static(key: str, session: Session) -> bool:
    return key in STATIC or key.startswith(STATIC_PREFIXES)


STATIC = frozenset(
    {
        "spark.app.id",
        "spark.app.name",
        "spark.master",
        "spark.submit.deployMode",
        "spark.sql.catalogImplementation",
        "spark.sql.extensions",
        "spark.sql.warehouse.dir",
        "spark.sql.streaming.streamingQueryListeners",
    }
)
STATIC_PREFIXES = ("spark.driver.", "spark.executor.", "spark.jars", "spark.cores.")
"""Settings of a cluster's processes: Spark refuses to change them in a running session."""


def _lookup(keys: Iterable[str], session: Session) -> ConfigResponse:
    response = _sail(Operation(get_option=ConfigRequest.GetOption(keys=keys)), session)
    for pair in response.pairs:
        explicit = session.settings.get(pair.key)
        if explicit is None and pair.key in OWN_DEFAULTS:
            pair.value = OWN_DEFAULTS[pair.key]
        elif not pair.HasField("value"):
            value = DEFAULTS.get(pair.key) if explicit is None else explicit
            if value is not None:
                pair.value = value
    return response


def _sail(operation: ConfigRequest.Operation, session: Session) -> ConfigResponse:
    request = ConfigRequest(session_id=session.server_side_session_id, operation=operation)
    request.user_context.user_id = session.key.user_id
    try:
        return ConfigResponse.FromString(session.engine.raw.config(request.SerializeToString()))
    except grpc.RpcError as error:
        raise translate(error) from None


def _refresh_time_zone(keys: Iterable[str], session: Session) -> None:
    if "spark.sql.session.timeZone" in keys:
        session.engine.forget_time_zone()
