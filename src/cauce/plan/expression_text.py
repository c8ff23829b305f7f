"""Expressions as Spark prints them: SQL text for plans, and the names Spark gives columns nobody named.

Both follow Catalyst's `sql` and `toPrettySQL`: `(a + 1)`, `count(1)`, `CASE WHEN (a = 1) THEN x END`.
Names are checked against Apache Spark in tests/plan/test_expression_text.py.
"""

from collections.abc import Callable, Container, Iterable, Sequence
from typing import Any

from pyspark.sql.connect.proto.expressions_pb2 import Expression, SubqueryExpression
from pyspark.sql.connect.proto.types_pb2 import DataType

from cauce.plan.moment_text import moment_text
from cauce.plan.tables import identifier_parts

__all__ = ["function_name", "output_name", "output_names", "sql_text"]

INFIX = {
    **{
        operator: operator
        for operator in ("+", "-", "*", "/", "%", "<=>", ">", "<", ">=", "<=", "&", "|", "^", "div")
    },
    "=": "=",
    "==": "=",
    "and": "AND",
    "or": "OR",
}
# Functions whose printed name is not the one they were called by.
PRINTED_NAMES = {
    **{name: name.upper() for name in ("power", "rank", "ceil", "floor", "signum", "rlike")},
    "pow": "POWER",
    "array_agg": "collect_list",
    "regexp": "RLIKE",
    "regexp_like": "RLIKE",
}
# Optional arguments Spark fills in before it names the column: total count -> the defaults, printed.
DEFAULT_ARGUMENTS = {
    "percentile_approx": (3, ("10000",)),
    "approx_percentile": (3, ("10000",)),
    "percentile": (3, ("1",)),
    "listagg": (2, ("NULL",)),
    "string_agg": (2, ("NULL",)),
    "hll_sketch_agg": (2, ("12",)),
    "unix_timestamp": (2, ("current_timestamp()", "yyyy-MM-dd HH:mm:ss")),
    "from_unixtime": (2, ("yyyy-MM-dd HH:mm:ss",)),
    "split": (3, ("-1",)),
    "regexp_replace": (4, ("1",)),
}
# Functions that print only their first arguments: the rest are settings, not inputs.
PRINTED_ARGUMENTS = {
    "first": 1,
    "last": 1,
    "first_value": 1,
    "last_value": 1,
    "any_value": 1,
    "mode": 1,
    "approx_count_distinct": 1,
    "from_json": 1,
    "from_csv": 1,
    "likeall": 1,
    "likeany": 1,
    "ilikeall": 1,
    "ilikeany": 1,
}
# Functions that Spark replaces by a column of this name.
GENERATED = {"explode": "col", "explode_outer": "col", "window": "window", "session_window": "session_window"}
TYPE_NAMES = {"string": "STRING", "byte": "TINYINT", "short": "SMALLINT", "integer": "INT", "long": "BIGINT"}
TRIM_SIDES = {"trim": "BOTH", "ltrim": "LEADING", "rtrim": "TRAILING"}
DIRECTIONS = {1: "ASC", 2: "DESC"}
NULL_ORDERS = {1: "NULLS FIRST", 2: "NULLS LAST"}


def sql_text(expression: Expression) -> str:
    """The expression as SQL: qualified names, quoted strings."""
    return _Printer(pretty=False, qualifiers=()).text(expression)


def output_name(expression: Expression, qualifiers: Container[str] = ()) -> str:
    """The name Spark gives this expression's column.

    `qualifiers` are the table aliases in scope: Spark leaves them out of names (`sum(t.a)` becomes
    `sum(a)`), and only the plan can tell an alias from a struct column.
    """
    return output_names(expression, qualifiers)[0]


def output_names(expression: Expression, qualifiers: Container[str] = ()) -> list[str]:
    """The names of every column the expression makes: more than one for `posexplode` or a multi-alias."""
    inner = expression
    match expression.WhichOneof("expr_type"):
        case "alias":
            return list(expression.alias.name)
        case "unresolved_attribute":
            return [identifier_parts(expression.unresolved_attribute.unparsed_identifier)[-1]]
        case "cast" if _is_plain_column(expression.cast.expr, qualifiers):
            inner = expression.cast.expr
        case "unresolved_function" | "call_function":
            name = function_name(expression)
            if name in ("posexplode", "posexplode_outer"):
                return ["pos", "col"]
            if name in GENERATED:
                return [GENERATED[name]]
    return [_Printer(pretty=True, qualifiers=qualifiers).text(inner)]


def function_name(expression: Expression) -> str:
    """The lower-case name of the function called, "" if the expression is no call."""
    if expression.HasField("unresolved_function"):
        return expression.unresolved_function.function_name.lower()
    return expression.call_function.function_name.lower()


def _is_plain_column(expression: Expression, qualifiers: Container[str]) -> bool:
    """Whether it names a column: a cast of one keeps its name, a cast of a struct's field does not."""
    if not expression.HasField("unresolved_attribute"):
        return False
    parts = identifier_parts(expression.unresolved_attribute.unparsed_identifier)
    return len(parts) == 1 or all(part in qualifiers for part in parts[:-1])


class _Printer:
    """Prints expressions in one style; `pretty` is Catalyst's style for column names."""

    def __init__(self, *, pretty: bool, qualifiers: Container[str]) -> None:
        self.pretty = pretty
        self.qualifiers = qualifiers

    def text(self, expression: Expression) -> str:
        shape = expression.WhichOneof("expr_type")
        printer: Callable[[Expression], str] | None = getattr(self, f"_{shape}", None)
        return printer(expression) if printer else f"<{shape}>"

    def _all(self, expressions: Iterable[Expression]) -> list[str]:
        return [self.text(expression) for expression in expressions]

    def _literal(self, expression: Expression) -> str:
        return self._literal_text(expression.literal)

    def _literal_text(self, literal: Expression.Literal) -> str:
        shape = literal.WhichOneof("literal_type")
        value: Any = getattr(literal, shape) if shape else None
        match shape:
            case "string":
                return value if self.pretty else "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
            case None | "null":
                return "NULL"
            case "boolean":
                return "true" if value else "false"
            case "decimal":
                return value.value
            case "binary":
                return f"X'{value.hex().upper()}'"
            case "array":
                return f"array({', '.join(map(self._literal_text, value.elements))})"
            case "specialized_array":
                elements = getattr(value, value.WhichOneof("value_type")).values
                return f"array({', '.join(map(str, elements))})"
            case _:
                return moment_text(shape, literal) or str(value).strip()

    def _unresolved_attribute(self, expression: Expression) -> str:
        identifier = expression.unresolved_attribute.unparsed_identifier
        if not self.pretty:
            return identifier
        parts = identifier_parts(identifier)
        while len(parts) > 1 and parts[0] in self.qualifiers:
            parts = parts[1:]
        return ".".join(parts)

    def _unresolved_star(self, expression: Expression) -> str:
        target = expression.unresolved_star.unparsed_target
        return f"{target.removesuffix('.*')}.*" if target else "*"

    def _unresolved_regex(self, expression: Expression) -> str:
        return expression.unresolved_regex.col_name

    def _expression_string(self, expression: Expression) -> str:
        return expression.expression_string.expression

    def _alias(self, expression: Expression) -> str:
        names = list(expression.alias.name)
        name = names[0] if len(names) == 1 else f"({', '.join(names)})"
        return f"{self.text(expression.alias.expr)} AS {name}"

    def _cast(self, expression: Expression) -> str:
        cast = expression.cast
        to_type = cast.type_str.upper() if cast.HasField("type_str") else _type_text(cast.type)
        word = "TRY_CAST" if cast.eval_mode == Expression.Cast.EVAL_MODE_TRY else "CAST"
        return f"{word}({self.text(cast.expr)} AS {to_type})"

    def _sort_order(self, expression: Expression) -> str:
        return self._order_text(expression.sort_order)

    def _order_text(self, order: Expression.SortOrder) -> str:
        direction = DIRECTIONS.get(order.direction, "ASC")
        default = "NULLS FIRST" if direction == "ASC" else "NULLS LAST"
        return f"{self.text(order.child)} {direction} {NULL_ORDERS.get(order.null_ordering, default)}"

    def _unresolved_extract_value(self, expression: Expression) -> str:
        value = expression.unresolved_extract_value
        field = value.extraction.literal
        if field.WhichOneof("literal_type") == "string" and not _is_map_like(value.child):
            return f"{self.text(value.child)}.{field.string}"
        return f"{self.text(value.child)}[{self.text(value.extraction)}]"

    def _update_fields(self, expression: Expression) -> str:
        update = expression.update_fields
        struct = self.text(update.struct_expression)
        if not update.HasField("value_expression"):
            return f"update_fields({struct}, dropfield())"
        return f"update_fields({struct}, WithField({self.text(update.value_expression)}))"

    def _lambda_function(self, expression: Expression) -> str:
        function = expression.lambda_function
        if self.pretty:
            arguments = ["namedlambdavariable()"] * len(function.arguments)
            return f"lambdafunction({', '.join([self.text(function.function), *arguments])})"
        names = ", ".join(".".join(argument.name_parts) for argument in function.arguments)
        return f"({names}) -> {self.text(function.function)}"

    def _unresolved_named_lambda_variable(self, expression: Expression) -> str:
        if self.pretty:
            return "namedlambdavariable()"
        return ".".join(expression.unresolved_named_lambda_variable.name_parts)

    def _window(self, expression: Expression) -> str:
        window = expression.window
        parts = []
        if window.partition_spec:
            parts.append("PARTITION BY " + ", ".join(self._all(window.partition_spec)))
        if window.order_spec:
            parts.append("ORDER BY " + ", ".join(map(self._order_text, window.order_spec)))
        parts.append(self._frame(window))
        return f"{self.text(window.window_function)} OVER ({' '.join(part for part in parts if part)})"

    def _frame(self, window: Expression.Window) -> str:
        if not window.HasField("frame_spec"):
            last = "CURRENT ROW" if window.order_spec else "UNBOUNDED FOLLOWING"
            unit = "RANGE" if window.order_spec and not _is_ranking(window.window_function) else "ROWS"
            return f"{unit} BETWEEN UNBOUNDED PRECEDING AND {last}"
        frame = window.frame_spec
        unit = "ROWS" if frame.frame_type == frame.FRAME_TYPE_ROW else "RANGE"
        lower, upper = self._boundary(frame.lower, "PRECEDING"), self._boundary(frame.upper, "FOLLOWING")
        return f"{unit} BETWEEN {lower} AND {upper}"

    def _boundary(self, boundary: "Expression.Window.WindowFrame.FrameBoundary", side: str) -> str:
        if boundary.current_row:
            return "CURRENT ROW"
        return f"UNBOUNDED {side}" if boundary.unbounded else f"{self.text(boundary.value)} FOLLOWING"

    def _common_inline_user_defined_function(self, expression: Expression) -> str:
        function = expression.common_inline_user_defined_function
        return self._call(function.function_name, self._all(function.arguments), function.is_distinct)

    def _named_argument_expression(self, expression: Expression) -> str:
        argument = expression.named_argument_expression
        return f"{argument.key} => {self.text(argument.value)}"

    def _subquery_expression(self, expression: Expression) -> str:
        subquery = expression.subquery_expression
        name = f"subquery#{subquery.plan_id}"
        match subquery.subquery_type:
            case SubqueryExpression.SUBQUERY_TYPE_IN:
                values = ", ".join(self._all(subquery.in_subquery_values))
                return f"({values} IN ({'listquery()' if self.pretty else name}))"
            case SubqueryExpression.SUBQUERY_TYPE_EXISTS:
                return "exists()" if self.pretty else f"exists({name})"
            case _:
                return "scalarsubquery()" if self.pretty else name

    def _call_function(self, expression: Expression) -> str:
        call = expression.call_function
        return self._call(call.function_name, self._all(call.arguments))

    def _unresolved_function(self, expression: Expression) -> str:
        function = expression.unresolved_function
        name, arguments = function.function_name.lower(), self._arguments(function)
        if self.pretty and name in ("window", "session_window"):
            return name
        special = _special_form(name, arguments, function.arguments)
        return special or self._call(name, arguments, function.is_distinct)

    def _arguments(self, function: Expression.UnresolvedFunction) -> list[str]:
        name = function.function_name.lower()
        if name == "count" and [_shape(argument) for argument in function.arguments] == ["unresolved_star"]:
            return ["1"]
        arguments = self._all(function.arguments)
        if not self.pretty:
            return arguments
        if name in PRINTED_ARGUMENTS:
            return arguments[: PRINTED_ARGUMENTS[name]]
        if name in ("aggregate", "reduce") and len(arguments) == 3:
            return [*arguments, "lambdafunction(namedlambdavariable(), namedlambdavariable())"]
        total, defaults = DEFAULT_ARGUMENTS.get(name, (0, ()))
        missing = min(total - len(arguments), len(defaults))
        return arguments + list(defaults[len(defaults) - missing :]) if missing > 0 else arguments

    def _call(self, name: str, arguments: Sequence[str], is_distinct: bool = False) -> str:
        printed = PRINTED_NAMES.get(name, name) if self.pretty else name
        return f"{printed}({'DISTINCT ' if is_distinct else ''}{', '.join(arguments)})"


def _special_form(name: str, printed: Sequence[str], arguments: Sequence[Expression]) -> str | None:
    """Functions that print as operators or keywords; None for an ordinary call."""
    match name, len(printed):
        case ("+" | "-", 2) if _is_interval(arguments[1]):
            return f"{printed[0]} {name} {printed[1]}"
        case (_, 2) if name in INFIX:
            return f"({printed[0]} {INFIX[name]} {printed[1]})"
        case ("!=" | "<>", 2):
            return f"(NOT ({printed[0]} = {printed[1]}))"
        case ("not" | "!", 1):
            return f"(NOT {printed[0]})"
        case ("-" | "~", 1):
            return f"(- {printed[0]})" if name == "-" else f"~{printed[0]}"
        case ("isnull", 1):
            return f"({printed[0]} IS NULL)"
        case ("isnotnull", 1):
            return f"({printed[0]} IS NOT NULL)"
        case ("like", 2):
            return f"{printed[0]} LIKE {printed[1]}"
        case ("in", _):
            return f"({printed[0]} IN ({', '.join(printed[1:])}))"
        case ("extract", 2):
            return f"extract({printed[0]} FROM {printed[1]})"
        case ("trim" | "ltrim" | "rtrim", 2):
            return f"TRIM({TRIM_SIDES[name]} {printed[0]} FROM {printed[1]})"
        case ("filter_where", 2):
            return f"{printed[0]} FILTER (WHERE {printed[1]})"
        case ("if", 3):
            return f"(IF({', '.join(printed)}))"
        case ("when", _):
            return _case_text(printed)
        case _:
            return None


def _case_text(parts: Sequence[str]) -> str:
    pairs = zip(parts[0::2], parts[1::2], strict=False)
    branches = "".join(f" WHEN {condition} THEN {value}" for condition, value in pairs)
    otherwise = f" ELSE {parts[-1]}" if len(parts) % 2 else ""
    return f"CASE{branches}{otherwise} END"


def _type_text(data_type: DataType) -> str:
    shape = data_type.WhichOneof("kind") or "null"
    if shape == "decimal":
        return f"DECIMAL({data_type.decimal.precision},{data_type.decimal.scale})"
    if shape == "unparsed":
        return data_type.unparsed.data_type_string.upper()
    return TYPE_NAMES.get(shape, shape.upper())


def _shape(expression: Expression) -> str | None:
    return expression.WhichOneof("expr_type")


def _is_interval(expression: Expression) -> bool:
    shape = expression.literal.WhichOneof("literal_type") or ""
    return shape.endswith("interval")


def _is_map_like(expression: Expression) -> bool:
    """Whether `[...]` rather than a dot prints the access; only a call to map() shows it without a schema."""
    return function_name(expression) in ("map", "map_from_arrays", "map_concat", "from_json")


def _is_ranking(expression: Expression) -> bool:
    ranking = ("row_number", "rank", "dense_rank", "percent_rank", "cume_dist", "ntile", "lag", "lead")
    return function_name(expression) in ranking
