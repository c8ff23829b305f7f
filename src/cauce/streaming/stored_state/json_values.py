"""Keys and values as JSON, the way people type and read them: `{"user":"ana","day":"2026-01-31"}`."""

import base64
import datetime
import decimal
from typing import Any

import pyarrow as pa

from cauce.errors import IllegalArgumentException

__all__ = ["from_json", "to_json"]


def from_json(value: Any, kind: pa.DataType, path: str) -> Any:
    """A JSON value as pyarrow takes it for the type; `path` names the field in an error."""
    if value is None:
        return None
    try:
        return _typed(value, kind, path)
    except (ValueError, TypeError, AttributeError, decimal.InvalidOperation):
        raise IllegalArgumentException(None, f"{path}: {value!r} is not a value of type {kind}.") from None


def to_json(value: Any) -> Any:
    """A Python value of pyarrow as JSON."""
    match value:
        case dict():
            return {name: to_json(inner) for name, inner in value.items()}
        case list():
            return [to_json(inner) for inner in value]
        case tuple():
            return [to_json(inner) for inner in value]
        case datetime.datetime() | datetime.date():
            return value.isoformat()
        case decimal.Decimal() | datetime.timedelta() | datetime.time():
            return str(value)
        case bytes():
            return base64.b64encode(value).decode()
    return value


def _typed(value: Any, kind: pa.DataType, path: str) -> Any:
    if pa.types.is_struct(kind):
        unknown = set(value) - {field.name for field in kind}
        if unknown:
            known = ", ".join(field.name for field in kind)
            raise IllegalArgumentException(
                None, f"{path} has no field {sorted(unknown)[0]}; its fields are {known}."
            )
        return {f.name: from_json(value.get(f.name), f.type, f"{path}.{f.name}") for f in kind}
    if pa.types.is_list(kind):
        return [from_json(inner, kind.value_type, f"{path}[]") for inner in value]
    if pa.types.is_timestamp(kind):
        moment = datetime.datetime.fromisoformat(value)
        return moment.replace(tzinfo=datetime.UTC) if kind.tz and moment.tzinfo is None else moment
    if pa.types.is_date(kind):
        return datetime.date.fromisoformat(value)
    if pa.types.is_decimal(kind):
        return decimal.Decimal(str(value))
    if pa.types.is_binary(kind):
        return base64.b64decode(value, validate=True)
    return pa.scalar(value, kind).as_py()
