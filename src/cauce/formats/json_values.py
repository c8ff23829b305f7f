"""One parsed JSON value at a time to the value of a column, by the rules of Spark's JacksonParser."""

import base64
import binascii
import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Any

from pyspark.sql.types import (
    ArrayType,
    BinaryType,
    BooleanType,
    ByteType,
    DataType,
    DateType,
    DecimalType,
    DoubleType,
    FloatType,
    IntegerType,
    LongType,
    MapType,
    ShortType,
    StringType,
    StructType,
    TimestampNTZType,
    TimestampType,
)

from cauce.formats.format_options import FormatOptions
from cauce.formats.json_parser import Node
from cauce.formats.text_to_moment import moment_parser

__all__ = ["BadValueError", "JsonRecord"]

INTEGER_BITS = {ByteType: 8, ShortType: 16, IntegerType: 32, LongType: 64}
SPECIAL = {"NaN": math.nan, "Infinity": math.inf, "+Infinity": math.inf, "-Infinity": -math.inf}
QUOTED_SPECIAL = {**SPECIAL, "+INF": math.inf, "-INF": -math.inf}
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DECIMAL_CONTEXT = Context(prec=200)


class BadValueError(Exception):
    """The value is not of the column's type. `partial` is what can be kept of a struct."""

    def __init__(self, partial: Any = None) -> None:
        super().__init__()
        self.partial = partial


class JsonRecord:
    """Converts objects of one schema; knows the text they were parsed from."""

    def __init__(self, options: FormatOptions) -> None:
        self._options = options
        self._parsers: dict[DataType, Callable[[str], Any]] = {}
        self.text = ""

    def struct(self, node: Node, kind: StructType) -> dict[str, Any]:
        """All fields; BadValueError with the good ones if a field is bad."""
        if node.kind != "object":
            raise BadValueError
        values: dict[str, Any] = {}
        bad = False
        for field in kind.fields:
            member = node.value.get(field.name)
            try:
                values[field.name] = None if member is None else self.value(member, field.dataType)
            except BadValueError as error:
                values[field.name] = error.partial
                bad = True
        if bad:
            raise BadValueError(values)
        return values

    def value(self, node: Node, kind: DataType) -> Any:
        """The value for a column of this type; BadValueError if it is none."""
        if node.kind == "null":
            return None
        match kind:
            case StringType():
                return node.value if node.kind == "string" else self.text[node.start : node.end]
            case ByteType() | ShortType() | IntegerType() | LongType():
                return _integer(node, kind)
            case DoubleType() | FloatType():
                return _double(node)
            case BooleanType() if node.kind == "boolean":
                return node.value
            case TimestampType() if node.kind == "integer":
                return EPOCH + timedelta(seconds=int(node.value))
            case TimestampType() | TimestampNTZType() | DateType() if node.kind == "string":
                return self._moment(node.value, kind)
            case DecimalType():
                return _decimal(node, kind)
            case BinaryType() if node.kind == "string":
                return _binary(node.value)
            case StructType():
                return self.struct(node, kind)
            case ArrayType() if node.kind == "array":
                return self._whole([(None, element) for element in node.value], kind.elementType, list)
            case MapType() if node.kind == "object":
                return self._whole(list(node.value.items()), kind.valueType, dict)
        raise BadValueError

    def _whole(self, items: list[tuple[Any, Node]], kind: DataType, build: type) -> Any:
        """A collection is good or bad as a whole."""
        try:
            values = [(key, self.value(item, kind)) for key, item in items]
        except BadValueError:
            raise BadValueError from None
        return dict(values) if build is dict else [value for _, value in values]

    def _moment(self, text: str, kind: DataType) -> Any:
        if kind not in self._parsers:
            self._parsers[kind] = moment_parser(kind, self._options)
        moment = self._parsers[kind](text)
        if moment is None:
            raise BadValueError
        return moment


def _integer(node: Node, kind: DataType) -> int:
    bound = 1 << (INTEGER_BITS[type(kind)] - 1)
    if node.kind != "integer" or not -bound <= int(node.value) < bound:
        raise BadValueError
    return int(node.value)


def _double(node: Node) -> float:
    if node.kind in ("integer", "float"):
        return float(node.value)
    if node.kind == "special" and node.value in SPECIAL:
        return SPECIAL[node.value]
    if node.kind == "string" and node.value in QUOTED_SPECIAL:
        return QUOTED_SPECIAL[node.value]
    raise BadValueError


def _decimal(node: Node, kind: DecimalType) -> Decimal:
    if node.kind not in ("integer", "float", "string"):
        raise BadValueError
    try:
        value = Decimal(node.value).quantize(Decimal(1).scaleb(-kind.scale), ROUND_HALF_UP, DECIMAL_CONTEXT)
    except ArithmeticError:
        raise BadValueError from None
    if not value.is_finite() or len(value.as_tuple().digits) > kind.precision:
        raise BadValueError
    return value


def _binary(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        raise BadValueError from None
