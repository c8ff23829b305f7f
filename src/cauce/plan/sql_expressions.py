"""Spark SQL expressions, read straight into Connect expressions: precedence as in Spark's grammar.

What Connect has no message for and the engine can read itself (typed timestamps, `EXTRACT`-like
keyword syntax over unit names) stays text in an `expression_string`, as long as it holds no aggregate.
https://github.com/apache/spark/blob/v4.2.0/sql/api/src/main/antlr4/org/apache/spark/sql/catalyst/parser/SqlBaseParser.g4
"""

from pyspark.sql.connect.proto.expressions_pb2 import Expression, SubqueryExpression

from cauce.errors import AnalysisException, UnsupportedOperationException
from cauce.plan.build import alias, call, extract, quoted, star, string
from cauce.plan.sql_calls import KEYWORD_CALLS, filtered, over, within_group
from cauce.plan.sql_context import Parameters, Subqueries
from cauce.plan.sql_literals import (
    CAST_FUNCTIONS,
    INTERVAL_UNITS,
    UNIT_FUNCTIONS,
    date_literal,
    interval_literal,
    number_literal,
    text_expression,
    word_literal,
)
from cauce.plan.sql_lowering import row
from cauce.plan.sql_predicates import predicate
from cauce.plan.sql_tokens import Tokens, unquote

__all__ = ["ExpressionParser"]

# Words that end an expression and so are no column names.
RESERVED = frozenset(
    """
    AND ANTI AS CROSS DISTRIBUTE ELSE END EXCEPT FROM FULL GROUP HAVING INNER INTERSECT JOIN LATERAL
    LIMIT MINUS NATURAL OFFSET ON OR ORDER SELECT SEMI SORT THEN UNION USING WHEN WHERE
    """.split()  # noqa: SIM905 - a paragraph of words reads better than a column of strings
)
# Where an expression begins these are columns: every record of Kafka has an offset.
COLUMNS_TOO = frozenset({"OFFSET"})
COMPARISONS = {
    "=": "==",
    "==": "==",
    "<>": "!=",
    "!=": "!=",
    "<": "<",
    "<=": "<=",
    ">": ">",
    ">=": ">=",
    "<=>": "<=>",
}
# Binary operators by how tightly they bind, loosest first, each with the function it calls.
LEVELS: tuple[dict[str, str], ...] = (
    COMPARISONS,
    {"|": "|"},
    {"^": "^"},
    {"&": "&"},
    {"<<": "shiftleft", ">>": "shiftright", ">>>": "shiftrightunsigned"},
    {"+": "+", "-": "-", "||": "concat"},
    {"*": "*", "/": "/", "%": "%", "DIV": "div"},
)
# Functions called without parentheses.
BARE_CALLS = (
    "CURRENT_DATE",
    "CURRENT_TIMESTAMP",
    "CURRENT_TIME",
    "CURRENT_USER",
    "USER",
    "SESSION_USER",
)
TYPED_LITERALS = ("DATE", "TIMESTAMP", "TIMESTAMP_LTZ", "TIMESTAMP_NTZ", "TIME")
TAKES_IGNORE_NULLS = ("first", "last", "first_value", "last_value", "any_value")


class ExpressionParser:
    """Reads expressions from a cursor; a query parser shares the cursor with it."""

    def __init__(self, tokens: Tokens, parameters: Parameters, subqueries: Subqueries) -> None:
        self.tokens = tokens
        self.parameters = parameters
        self.subqueries = subqueries
        self._lambda_names: list[set[str]] = []
        self._next_position = 0

    def expression(self) -> Expression:
        """A boolean expression: anything an expression can be."""
        left = self._conjunction()
        while self.tokens.take("OR"):
            left = call("or", left, self._conjunction())
        return left

    def named_expression(self) -> Expression:
        """An expression with an optional alias, or several aliases in parentheses."""
        expression = self.expression()
        if self.tokens.take("AS"):
            if self.tokens.at_symbol("("):
                return alias(expression, *self.tokens.names())
            return alias(expression, self.tokens.name())
        token = self.tokens.here
        if token.kind == "quoted" or (
            token.kind == "name" and token.upper not in RESERVED | {"WINDOW", "CLUSTER"}
        ):
            return alias(expression, self.tokens.name())
        return expression

    def sort_order(self) -> Expression.SortOrder:
        """`expression [ASC|DESC] [NULLS FIRST|LAST]`, with Spark's defaults."""
        child = self.expression()
        descending = self.tokens.take_any("ASC", "DESC") == "DESC"
        nulls_first = not descending
        if self.tokens.take("NULLS"):
            nulls_first = self.tokens.take_any("FIRST", "LAST") == "FIRST"
        order = Expression.SortOrder
        return order(
            child=child,
            direction=order.SORT_DIRECTION_DESCENDING if descending else order.SORT_DIRECTION_ASCENDING,
            null_ordering=order.SORT_NULLS_FIRST if nulls_first else order.SORT_NULLS_LAST,
        )

    def _conjunction(self) -> Expression:
        left = self._negation()
        while self.tokens.take("AND"):
            left = call("and", left, self._negation())
        return left

    def _negation(self) -> Expression:
        if self.tokens.take("NOT") or self.tokens.take_symbol("!"):
            return call("not", self._negation())
        return predicate(self, self.value())

    def value(self, level: int = 0) -> Expression:
        """Comparisons, arithmetic and what binds tighter, but neither AND, OR nor predicates."""
        if level == len(LEVELS):
            return self._unary()
        left = self.value(level + 1)
        while (function := LEVELS[level].get(self._operator())) is not None:
            self.tokens.next()
            left = call(function, left, self.value(level + 1))
        return left

    def _operator(self) -> str:
        token = self.tokens.here
        return token.text if token.kind == "symbol" else token.upper

    def _unary(self) -> Expression:
        tokens = self.tokens
        if tokens.at_symbol("-") and tokens.ahead().kind == "number":
            tokens.next()
            return self._postfix(number_literal("-" + tokens.next().text))
        for symbol, function in (("-", "-"), ("~", "~"), ("+", "+")):
            if tokens.take_symbol(symbol):
                return call(function, self._unary())
        return self._postfix(self.primary())

    def _postfix(self, value: Expression) -> Expression:
        tokens = self.tokens
        while True:
            if tokens.take_symbol("::"):
                value = Expression(cast=Expression.Cast(expr=value, type_str=self.tokens.data_type()))
            elif tokens.take_symbol("["):
                value = extract(value, self.expression())
                tokens.expect_symbol("]")
            elif tokens.at_symbol(".") and tokens.ahead().kind in ("name", "quoted"):
                tokens.next()
                value = extract(value, string(tokens.name()))
            else:
                return value

    def primary(self) -> Expression:
        token = self.tokens.here
        match token.kind:
            case "number":
                return number_literal(self.tokens.next().text)
            case "string":
                return self._string()
            case "hex":
                return Expression(
                    literal=Expression.Literal(binary=bytes.fromhex(self.tokens.next().text[2:-1]))
                )
            case "symbol":
                return self._symbol()
            case "name" if token.upper not in RESERVED - COLUMNS_TOO:
                return self._word()
            case "quoted":
                return self._column_or_call()
        self.tokens.fail()

    def _string(self) -> Expression:
        text = unquote(self.tokens.next().text)
        while self.tokens.here.kind == "string":  # adjacent strings are one
            text += unquote(self.tokens.next().text)
        return string(text)

    def _symbol(self) -> Expression:
        tokens = self.tokens
        if tokens.take_symbol("*"):
            return star()
        if tokens.take_symbol("?"):
            return self._positional_parameter()
        if tokens.take_symbol(":"):
            return self._named_parameter(tokens.name())
        tokens.expect_symbol("(")
        if self.at_query():
            return self.subquery(SubqueryExpression.SUBQUERY_TYPE_SCALAR, [])
        if (parsed := tokens.attempt(self._lambda_in_parentheses)) is not None:
            return parsed
        items = tokens.separated(self.named_expression)
        tokens.expect_symbol(")")
        return items[0] if len(items) == 1 else row(items)

    def _positional_parameter(self) -> Expression:
        if self._next_position >= len(self.parameters.positional):
            raise AnalysisException("UNBOUND_SQL_PARAMETER", name=f"_{self.tokens.here.start - 1}")
        self._next_position += 1
        return self.parameters.positional[self._next_position - 1]

    def _named_parameter(self, name: str) -> Expression:
        if name not in self.parameters.named:
            raise AnalysisException("UNBOUND_SQL_PARAMETER", name=quoted(name))
        return self.parameters.named[name]

    def _word(self) -> Expression:
        tokens, word = self.tokens, self.tokens.here.upper
        follower = tokens.ahead()
        if word in ("NULL", "TRUE", "FALSE") and follower.text not in (".", "("):
            tokens.next()
            return word_literal(word)
        if follower.kind == "string" and word in TYPED_LITERALS:
            return self._typed_literal()
        if word == "INTERVAL" and (parsed := tokens.attempt(self._interval)) is not None:
            return parsed
        if word == "CASE":
            return self._case()
        if word == "EXISTS" and follower.text == "(" and self.at_query(2):
            tokens.next()
            tokens.next()
            return self.subquery(SubqueryExpression.SUBQUERY_TYPE_EXISTS, [])
        if word in BARE_CALLS and follower.text not in (".", "("):
            return call(tokens.next().text.lower())
        if follower.text == "->":
            return self._lambda([tokens.name()])
        return self._column_or_call()

    def _typed_literal(self) -> Expression:
        word = self.tokens.next().upper
        value_start = self.tokens.here.start
        value = unquote(self.tokens.next().text)
        if word == "DATE" and (literal := date_literal(value)) is not None:
            return literal
        # A timestamp's zone is the session's, which only the engine knows.
        return text_expression(f"{word} {self.tokens.text_from(value_start)}")

    def _interval(self) -> Expression:
        """`INTERVAL '5' MINUTE`, `INTERVAL 5 MINUTES 3 SECONDS`, `INTERVAL '1 2' DAY TO HOUR`."""
        tokens = self.tokens
        start = tokens.next().start
        count = 0
        while tokens.here.kind in ("number", "string") or (count == 0 and self._operator() in ("-", "+")):
            if self._operator() in ("-", "+"):
                tokens.next()
            is_string = tokens.next().kind == "string"
            if tokens.at_any(*INTERVAL_UNITS):
                tokens.next()
                if tokens.take("TO"):
                    tokens.next()
            elif not is_string:
                tokens.fail()
            count += 1
        if count == 0:
            tokens.fail()
        return interval_literal(tokens.text_from(start))

    def _case(self) -> Expression:
        tokens = self.tokens
        tokens.expect("CASE")
        subject = None if tokens.at_any("WHEN") else self.expression()
        parts: list[Expression] = []
        while tokens.take("WHEN"):
            condition = self.expression()
            parts.append(condition if subject is None else call("==", subject, condition))
            tokens.expect("THEN")
            parts.append(self.expression())
        if tokens.take("ELSE"):
            parts.append(self.expression())
        tokens.expect("END")
        return call("when", *parts)

    def _column_or_call(self) -> Expression:
        tokens = self.tokens
        start = tokens.here.start
        parts = [tokens.name()]
        while tokens.at_symbol("."):
            if tokens.at_symbol("*", 1):
                tokens.next()
                tokens.next()
                return star(".".join(map(quoted, parts)))
            if tokens.ahead().kind not in ("name", "quoted"):
                tokens.fail()
            tokens.next()
            parts.append(tokens.name())
        if tokens.take_symbol("("):
            return self._call(".".join(parts), start)
        if self._lambda_names and parts[0].lower() in set().union(*self._lambda_names):
            return _lambda_variable(parts)
        identifier = ".".join(map(quoted, parts))
        return Expression(unresolved_attribute=Expression.UnresolvedAttribute(unparsed_identifier=identifier))

    def _call(self, name: str, start: int) -> Expression:
        """A call whose opening parenthesis was read."""
        lower = name.lower()
        special = KEYWORD_CALLS.get(lower)
        if special is not None and (parsed := self.tokens.attempt(lambda: special(self))) is not None:
            return parsed
        if lower in UNIT_FUNCTIONS and self.tokens.here.upper in INTERVAL_UNITS | {"DAYOFYEAR", "QUARTER"}:
            self.tokens.separated(self.expression)
            self.tokens.expect_symbol(")")
            return text_expression(self.tokens.text_from(start))
        is_distinct = self.tokens.take("DISTINCT")
        if not is_distinct:
            self.tokens.take("ALL")
        arguments = [] if self.tokens.at_symbol(")") else self.tokens.separated(self._argument)
        ignores_nulls = self._nulls_clause()
        self.tokens.expect_symbol(")")
        if lower in CAST_FUNCTIONS and len(arguments) == 1:
            return Expression(cast=Expression.Cast(expr=arguments[0], type_str=lower))
        return self._call_suffixes(name, arguments, is_distinct=is_distinct, ignores_nulls=ignores_nulls)

    def _argument(self) -> Expression:
        if self.tokens.here.kind == "name" and self.tokens.at_symbol("=>", 1):
            key = self.tokens.name()
            self.tokens.next()
            named = Expression()
            named.named_argument_expression.key = key
            named.named_argument_expression.value.CopyFrom(self.expression())
            return named
        return self.named_expression()

    def _nulls_clause(self) -> bool | None:
        if self.tokens.take("IGNORE", "NULLS"):
            return True
        return False if self.tokens.take("RESPECT", "NULLS") else None

    def _call_suffixes(
        self, name: str, arguments: list[Expression], *, is_distinct: bool, ignores_nulls: bool | None
    ) -> Expression:
        tokens = self.tokens
        if tokens.take("WITHIN", "GROUP"):
            return within_group(self, name.lower(), arguments, is_distinct=is_distinct)
        if ignores_nulls is None:
            ignores_nulls = self._nulls_clause()
        if ignores_nulls and name.lower() in TAKES_IGNORE_NULLS and len(arguments) == 1:
            arguments = [*arguments, Expression(literal=Expression.Literal(boolean=True))]
        function = call(name, *arguments, is_distinct=is_distinct)
        function = filtered(self, function)
        return over(self, function) if tokens.take("OVER") else function

    def _lambda_in_parentheses(self) -> Expression:
        names = self.tokens.separated(self.tokens.name)
        self.tokens.expect_symbol(")")
        return self._lambda(names)

    def _lambda(self, names: list[str]) -> Expression:
        self.tokens.expect_symbol("->")
        self._lambda_names.append({name.lower() for name in names})
        body = self.expression()
        self._lambda_names.pop()
        variables = [Expression.UnresolvedNamedLambdaVariable(name_parts=[name]) for name in names]
        return Expression(lambda_function=Expression.LambdaFunction(function=body, arguments=variables))

    def at_query(self, at: int = 0) -> bool:
        while self.tokens.at_symbol("(", at):
            at += 1
        return self.tokens.ahead(at).upper in ("SELECT", "WITH", "FROM", "VALUES", "TABLE")

    def subquery(
        self, kind: "SubqueryExpression.SubqueryType.ValueType", values: list[Expression]
    ) -> Expression:
        """A query whose opening parenthesis was read."""
        if self.subqueries.parse is None:
            raise UnsupportedOperationException(None, "A subquery is not supported here.")
        identifier = self.subqueries.add(self.subqueries.parse())
        self.tokens.expect_symbol(")")
        subquery = SubqueryExpression(plan_id=identifier, subquery_type=kind, in_subquery_values=values)
        return Expression(subquery_expression=subquery)


def _lambda_variable(parts: list[str]) -> Expression:
    variable = Expression.UnresolvedNamedLambdaVariable(name_parts=parts[:1])
    value = Expression(unresolved_named_lambda_variable=variable)
    for part in parts[1:]:
        value = extract(value, string(part))
    return value
