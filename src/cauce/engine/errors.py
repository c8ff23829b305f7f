"""Sail's errors in Spark's words: a table of patterns, with Spark's class, condition and parameters."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass

import grpc
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

from cauce import errors
from cauce.engine.live_errors import original
from cauce.engine.python_errors import user_traceback
from cauce.errors import (
    AnalysisException,
    ArithmeticException,
    ArrayIndexOutOfBoundsException,
    DateTimeException,
    NumberFormatException,
    ParseException,
    PythonException,
    SparkError,
    SparkRuntimeException,
)

__all__ = ["RULES", "translate"]

CLASSES: dict[str, type[SparkError]] = {
    cls.java_class: cls
    for cls in vars(errors).values()
    if isinstance(cls, type) and issubclass(cls, SparkError)
}

SEARCH_PATH = "[`system`.`builtin`, `system`.`session`, `spark_catalog`.`default`]"
ANSI = '"spark.sql.ansi.enabled"'


@dataclass(frozen=True)
class Rule:
    """What a message of Sail that matches `pattern` is called in Spark."""

    pattern: re.Pattern[str]
    raised: type[SparkError]
    condition: str
    parameters: Callable[[re.Match[str]], dict[str, str]]


def rule(
    pattern: str,
    raised: type[SparkError],
    condition: str,
    parameters: Callable[[re.Match[str]], dict[str, str]] = lambda match: {},
) -> Rule:
    return Rule(re.compile(pattern, re.DOTALL), raised, condition, parameters)


def translate(error: grpc.RpcError) -> SparkError:
    """The error Spark would have raised where Sail's endpoint answered with `error`."""
    status = rpc_status.from_call(error)  # pyright: ignore[reportArgumentType]
    message = status.message if status is not None else str(error.details())
    ours = original(message)
    if ours is not None:
        return ours
    raised = CLASSES.get(_java_class(status), SparkError)
    if raised is PythonException:
        return _raised_by_us(message) or PythonException(None, user_traceback(message))
    for candidate in RULES:
        match = candidate.pattern.search(message)
        if match is not None:
            return candidate.raised(candidate.condition, **candidate.parameters(match))
    return raised(None, message.removeprefix("invalid argument: "))


OURS = re.compile(r"^cauce\.errors\.(?P<name>\w+): \[(?P<condition>[A-Z][\w.]+)\] ", re.MULTILINE)


def _raised_by_us(traceback: str) -> SparkError | None:
    """The error of a function of our own, such as `from_avro`, which reaches us as a traceback."""
    found = OURS.search(traceback)
    if found is None or found["condition"] not in errors.conditions():
        return None
    error = getattr(errors, found["name"])(None, traceback[found.start("condition") - 1 :].rstrip())
    error.condition, error.sqlstate = found["condition"], errors.conditions()[found["condition"]]["sqlState"]
    return error


def _java_class(status: status_pb2.Status | None) -> str:
    for detail in status.details if status is not None else ():
        if detail.Is(error_details_pb2.ErrorInfo.DESCRIPTOR):  # pyright: ignore[reportArgumentType]
            info = error_details_pb2.ErrorInfo()
            detail.Unpack(info)
            return json.loads(info.metadata.get("classes", "[]") or "[]")[0]
    return SparkError.java_class


def _quoted(name: str) -> str:
    """A dotted name as Spark prints identifiers: `a`.`b`."""
    return ".".join(f"`{part}`" for part in name.replace("`", "").replace('"', "").split("."))


def _object_name(match: re.Match[str]) -> str:
    return ".".join(f"`{part}`" for part in re.findall(r'Identifier\("(.*?)"\)', match[0]))


def _sql_type(arrow: str) -> str:
    """Arrow's name of a type as Spark prints it, quoted."""
    decimal = re.match(r"Decimal\d+\((\d+), (\d+)\)", arrow)
    if decimal is not None:
        return f'"DECIMAL({decimal[1]},{decimal[2]})"'
    if arrow.startswith("Timestamp"):
        return '"TIMESTAMP"'
    return f'"{SQL_TYPES.get(arrow, arrow.upper())}"'


SQL_TYPES = {
    "Int8": "TINYINT",
    "Int16": "SMALLINT",
    "Int32": "INT",
    "Int64": "BIGINT",
    "Float32": "FLOAT",
    "Float64": "DOUBLE",
    "Utf8": "STRING",
    "Utf8View": "STRING",
    "Date32": "DATE",
    "Binary": "BINARY",
}


def _table(match: re.Match[str]) -> dict[str, str]:
    return {"relationName": _quoted(match["name"].strip()), "searchPath": SEARCH_PATH}


def _cast(match: re.Match[str], target: str | None = None) -> dict[str, str]:
    return {
        "expression": f"'{match['value']}'",
        "sourceType": '"STRING"',
        "targetType": target or _sql_type(match["type"]),
        "ansiConfig": ANSI,
    }


def _overflow(match: re.Match[str]) -> dict[str, str]:
    return {"message": match["what"].lower(), "alternative": "", "config": ANSI}


def _syntax(match: re.Match[str]) -> dict[str, str]:
    found = match["found"]
    return {"error": found if found == "end of input" else f"'{found}'", "hint": ""}


NUMBER = r"(?:U?Int\d+|Float\d+|Decimal\d+\(\d+, \d+\))"

RULES = (
    rule(
        r"TABLE_OR_VIEW_NOT_FOUND\] .*?(?:not found: |view `)(?P<name>[^`\n]+)",
        AnalysisException,
        "TABLE_OR_VIEW_NOT_FOUND",
        _table,
    ),
    rule(
        r"^(?:Table|View|Temporary View) not found: (?P<name>.+)",
        AnalysisException,
        "TABLE_OR_VIEW_NOT_FOUND",
        _table,
    ),
    rule(
        r"^(?:Database|Schema) not found: (?P<name>.+)",
        AnalysisException,
        "SCHEMA_NOT_FOUND",
        lambda m: {"schemaName": _quoted(m["name"])},
    ),
    rule(
        r"^Temporary View already exists: (?P<name>.+)",
        AnalysisException,
        "TEMP_TABLE_OR_VIEW_ALREADY_EXISTS",
        lambda m: {"relationName": _quoted(m["name"])},
    ),
    rule(
        r"^(?:Table|View) already exists: (?P<name>.+)",
        AnalysisException,
        "TABLE_OR_VIEW_ALREADY_EXISTS",
        lambda m: {"relationName": _quoted(m["name"])},
    ),
    rule(
        r"path already exists: (?P<path>.+)",
        AnalysisException,
        "PATH_ALREADY_EXISTS",
        lambda m: {"outputPath": m["path"]},
    ),
    rule(
        r"No data source found for: (?P<name>.+)",
        AnalysisException,
        "DATA_SOURCE_NOT_FOUND",
        lambda m: {"provider": m["name"]},
    ),
    rule(
        r"attribute ObjectName\(\[.*\]\) is missing from the schema",
        AnalysisException,
        "UNRESOLVED_COLUMN.WITHOUT_SUGGESTION",
        lambda m: {"objectName": _object_name(m)},
    ),
    rule(
        r"\[UNRESOLVED_COLUMN\] Cannot find column (?P<name>.+)",
        AnalysisException,
        "UNRESOLVED_COLUMN.WITHOUT_SUGGESTION",
        lambda m: {"objectName": _quoted(m["name"])},
    ),
    rule(
        r"ambiguous attribute: ObjectName\(\[.*\]\)",
        AnalysisException,
        "AMBIGUOUS_REFERENCE",
        lambda m: {"name": _object_name(m), "referenceNames": "[]"},
    ),
    rule(
        r"unknown (?:table )?function: (?P<name>\S+)",
        AnalysisException,
        "UNRESOLVED_ROUTINE",
        lambda m: {"routineName": _quoted(m["name"]), "searchPath": SEARCH_PATH},
    ),
    rule(
        r"(?:^|: )(?:divide by zero|Divi(?:de|sion) by zero)",
        ArithmeticException,
        "DIVIDE_BY_ZERO",
        lambda m: {"config": ANSI},
    ),
    rule(r"Remainder by zero", ArithmeticException, "REMAINDER_BY_ZERO", lambda m: {"config": ANSI}),
    rule(
        r"Cannot cast (?:string|value) '(?P<value>.*?)' to value of (?P<type>Boolean) type",
        SparkRuntimeException,
        "CAST_INVALID_INPUT",
        _cast,
    ),
    rule(
        rf"Cannot cast (?:string|value) '(?P<value>.*?)' to value of (?P<type>{NUMBER}) type",
        NumberFormatException,
        "CAST_INVALID_INPUT",
        _cast,
    ),
    rule(
        r"Cannot cast (?:string|value) '(?P<value>.*?)' to value of (?P<type>(?:Date|Timestamp).*) type",
        DateTimeException,
        "CAST_INVALID_INPUT",
        _cast,
    ),
    rule(
        r"\[CAST_INVALID_INPUT\] The value '(?P<value>.*?)' of the type \"STRING\" cannot be cast to "
        r"\"(?P<type>\w+)\"",
        DateTimeException,
        "CAST_INVALID_INPUT",
        _cast,
    ),
    rule(
        r"^invalid timestamp: (?P<value>.*)",
        DateTimeException,
        "CAST_INVALID_INPUT",
        lambda m: _cast(m, '"TIMESTAMP"'),
    ),
    rule(
        rf"Can't cast value (?P<value>\S+) to type (?P<type>{NUMBER})",
        ArithmeticException,
        "CAST_OVERFLOW",
        lambda m: {
            "value": m["value"],
            "sourceType": '"NUMERIC"',
            "targetType": _sql_type(m["type"]),
            "ansiConfig": ANSI,
        },
    ),
    rule(
        r"(?P<value>\S+) is too large to store in a Decimal\d+ of precision (?P<precision>\d+)",
        ArithmeticException,
        "NUMERIC_VALUE_OUT_OF_RANGE.WITH_SUGGESTION",
        lambda m: {"value": m["value"], "precision": m["precision"], "scale": "?", "config": ANSI},
    ),
    rule(
        r"^expected numeric datetime field|^Error parsing timestamp",
        DateTimeException,
        "CANNOT_PARSE_TIMESTAMP",
        lambda m: {"message": m.string, "func": "`try_to_timestamp`"},
    ),
    rule(r"Arithmetic overflow: (?P<what>.*)", ArithmeticException, "ARITHMETIC_OVERFLOW", _overflow),
    rule(
        r"\[INVALID_ARRAY_INDEX\] The index (?P<index>-?\d+) is out of bounds. The array has (?P<size>\d+)",
        ArrayIndexOutOfBoundsException,
        "INVALID_ARRAY_INDEX",
        lambda m: {"indexValue": m["index"], "arraySize": m["size"]},
    ),
    rule(r"element_at: the index 0 is invalid", SparkRuntimeException, "INVALID_INDEX_OF_ZERO"),
    rule(
        r"^'(?P<what>.*)' is not true!",
        SparkRuntimeException,
        "USER_RAISED_EXCEPTION",
        lambda m: {"errorMessage": m[0]},
    ),
    rule(
        r"UNION queries have different number of columns: left has (?P<left>\d+) .* right has (?P<right>\d+)",
        AnalysisException,
        "NUM_COLUMNS_MISMATCH",
        lambda m: {
            "operator": "UNION",
            "firstNumColumns": m["left"],
            "invalidOrdinalNum": "second",
            "invalidNumColumns": m["right"],
        },
    ),
    rule(
        r"LIMIT must be >= 0, '(?P<value>-\d+)'",
        AnalysisException,
        "INVALID_LIMIT_LIKE_EXPRESSION.IS_NEGATIVE",
        lambda m: {"name": "limit", "expr": f'"{m["value"]}"', "v": m["value"]},
    ),
    rule(
        r"duplicate qualified field name (?:\w+\.)*(?P<name>\w+)",
        AnalysisException,
        "COLUMN_ALREADY_EXISTS",
        lambda m: {"columnName": f"`{m['name']}`"},
    ),
    rule(
        r"Scalar subquery returned more than one row", SparkRuntimeException, "SCALAR_SUBQUERY_TOO_MANY_ROWS"
    ),
    rule(
        r"found (?P<type>\w+) at \d+:\d+ expected (?:':', or )?data type",
        ParseException,
        "UNSUPPORTED_DATATYPE",
        lambda m: {"typeName": f'"{m["type"].upper()}"'},
    ),
    rule(
        r"found (?P<found>end of input|.+?)(?: at \d+:\d+)? expected ",
        ParseException,
        "PARSE_SYNTAX_ERROR",
        _syntax,
    ),
    rule(
        r"configuration not found: (?P<key>\S+)",
        errors.SparkNoSuchElementException,
        "SQL_CONF_NOT_FOUND",
        lambda m: {"sqlConf": f'"{m["key"]}"'},
    ),
)
"""Tried in order; the first pattern found in the message wins. Sail 0.7's wording."""
