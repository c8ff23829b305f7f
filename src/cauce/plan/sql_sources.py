"""What a SELECT reads: tables, streams with watermarks, joins, lateral views and subqueries, aliased."""

from collections.abc import Callable, Collection

from pyspark.sql.connect.proto.expressions_pb2 import Expression
from pyspark.sql.connect.proto.relations_pb2 import (
    SQL,
    Aggregate,
    Join,
    LateralJoin,
    Limit,
    Read,
    Relation,
    Sample,
    ToDF,
    WithColumns,
    WithWatermark,
)

from cauce.errors import UnsupportedOperationException
from cauce.plan.build import alias, attribute, call, project, quoted, star, subquery_alias
from cauce.plan.expression_text import function_name, output_name
from cauce.plan.sql_expressions import ExpressionParser
from cauce.plan.sql_lowering import lowered
from cauce.plan.sql_tokens import Tokens, unquote
from cauce.plan.tables import identifier_parts

__all__ = ["SourceParser", "renamed"]

# Words that cannot be a table's alias when AS is left out.
NO_ALIAS = frozenset(
    """
    ANTI CLUSTER CROSS DISTRIBUTE EXCEPT FULL GROUP HAVING INNER INTERSECT JOIN LATERAL LEFT LIMIT MINUS
    NATURAL OFFSET ON ORDER PIVOT RIGHT SELECT SEMI SORT TABLESAMPLE UNION UNPIVOT USING WATERMARK WHERE
    WINDOW WITH
    """.split()  # noqa: SIM905 - a paragraph of words reads better than a column of strings
)
JOIN_TYPES = {
    "INNER": Join.JOIN_TYPE_INNER,
    "CROSS": Join.JOIN_TYPE_CROSS,
    "LEFT": Join.JOIN_TYPE_LEFT_OUTER,
    "RIGHT": Join.JOIN_TYPE_RIGHT_OUTER,
    "FULL": Join.JOIN_TYPE_FULL_OUTER,
    "SEMI": Join.JOIN_TYPE_LEFT_SEMI,
    "ANTI": Join.JOIN_TYPE_LEFT_ANTI,
}
GENERATORS = ("explode", "explode_outer", "posexplode", "posexplode_outer", "inline", "inline_outer", "stack")


class SourceParser:
    """Reads FROM clauses from a cursor; `ctes` are the named queries in scope."""

    def __init__(
        self,
        tokens: Tokens,
        expressions: ExpressionParser,
        nested_query: Callable[[], Relation],
        columns: Callable[[Relation], Collection[str]] | None,
    ) -> None:
        self.tokens = tokens
        self.expressions = expressions
        self.ctes: dict[str, Relation] = {}
        self._nested_query = nested_query
        self._columns = columns

    def sources(self) -> tuple[Relation | None, set[str]]:
        """The rows a SELECT reads, and the names of its lateral views."""
        if not self.tokens.take("FROM"):
            return None, set()
        relation = self._joined()
        while self.tokens.take_symbol(","):
            if self.tokens.take("LATERAL"):
                relation = self._lateral_join(relation, Join.JOIN_TYPE_INNER)
                continue
            join = Join(left=relation, right=self._joined(), join_type=Join.JOIN_TYPE_CROSS)
            relation = Relation(join=join)
        views: set[str] = set()
        while self.tokens.take("LATERAL", "VIEW"):
            relation = self._lateral_view(relation, views)
        return relation, views

    def _lateral_view(self, relation: Relation, views: set[str]) -> Relation:
        """`LATERAL VIEW [OUTER] generator [table] [AS columns]` adds the generator's columns to the rows."""
        tokens = self.tokens
        is_outer = tokens.take("OUTER")
        generator = self.expressions.expression()
        if (
            not tokens.at_any("AS")
            and tokens.here.kind in ("name", "quoted")
            and tokens.here.upper not in NO_ALIAS
        ):
            views.add(tokens.name())
        columns = []
        if tokens.take("AS"):
            columns = tokens.names() if tokens.at_symbol("(") else tokens.separated(tokens.name)
        if is_outer and not function_name(generator).endswith("_outer"):
            generator = call(f"{function_name(generator)}_outer", *generator.unresolved_function.arguments)
        return project(relation, [star(), alias(generator, *columns) if columns else generator])

    def _joined(self) -> Relation:
        left = self._table()
        while True:
            is_natural = self.tokens.take("NATURAL")
            join_type = self._join_type()
            if join_type is None:
                return left
            left = self._natural(left, join_type) if is_natural else self._join(left, join_type)

    def _natural(self, left: Relation, join_type: "Join.JoinType.ValueType") -> Relation:
        """A join by all columns that both sides have."""
        if self._columns is None:
            raise UnsupportedOperationException(None, "NATURAL JOIN is not supported here.")
        join = Join(left=left, right=self._table(), join_type=join_type)
        theirs = {name.lower() for name in self._columns(join.right)}
        join.using_columns.extend(name for name in self._columns(left) if name.lower() in theirs)
        if not join.using_columns and join_type == Join.JOIN_TYPE_INNER:
            join.join_type = Join.JOIN_TYPE_CROSS
        return Relation(join=join)

    def _join_type(self) -> "Join.JoinType.ValueType | None":
        tokens = self.tokens
        if tokens.take("JOIN"):
            return Join.JOIN_TYPE_INNER
        word = tokens.here.upper
        if word not in JOIN_TYPES:
            return None
        tokens.next()
        kind = tokens.take_any("SEMI", "ANTI", "OUTER") if word in ("LEFT", "RIGHT", "FULL") else None
        tokens.expect("JOIN")
        return JOIN_TYPES[kind if kind in ("SEMI", "ANTI") else word]

    def _join(self, left: Relation, join_type: "Join.JoinType.ValueType") -> Relation:
        tokens = self.tokens
        if tokens.take("LATERAL"):
            return self._lateral_join(left, join_type)
        join = Join(left=left, right=self._table(), join_type=join_type)
        if tokens.take("ON"):
            join.join_condition.CopyFrom(self._condition())
        elif tokens.take("USING"):
            join.using_columns.extend(tokens.names())
        elif join_type == Join.JOIN_TYPE_INNER:
            join.join_type = Join.JOIN_TYPE_CROSS
        return Relation(join=join)

    def _lateral_join(self, left: Relation, join_type: "Join.JoinType.ValueType") -> Relation:
        tokens = self.tokens
        if tokens.take_symbol("("):
            right = self._nested_query()
            tokens.expect_symbol(")")
            join = LateralJoin(left=left, right=self._aliased(right), join_type=join_type)
            if tokens.take("ON"):
                join.join_condition.CopyFrom(self._condition())
            return Relation(lateral_join=join)
        generator = self.expressions.expression()
        if function_name(generator) not in GENERATORS:
            tokens.fail()
        _, columns = self._alias()
        return project(left, [star(), alias(generator, *columns) if columns else generator])

    def _condition(self) -> Expression:
        return lowered(self.expressions.expression())

    def _table(self) -> Relation:
        tokens = self.tokens
        if tokens.take_symbol("("):
            relation = self._parenthesised()
            tokens.expect_symbol(")")
            return self._aliased(relation)
        if tokens.at_any("VALUES"):
            return self._aliased(self.values())
        is_streaming = self._take_stream()
        in_parentheses = is_streaming and tokens.take_symbol("(")
        if tokens.here.kind == "name" and tokens.at_symbol("(", 1):
            if is_streaming:
                raise UnsupportedOperationException(None, "STREAM over a table function is not supported.")
            return self._aliased(self._table_function())
        name = self._identifier()
        if in_parentheses:
            tokens.expect_symbol(")")
        relation = self._named(name, is_streaming=is_streaming)
        return self._aliased(relation, default_alias=name[-1])

    def _take_stream(self) -> bool:
        """`STREAM t` and `STREAM(t)`, but not a table that is called stream."""
        tokens = self.tokens
        follower = tokens.ahead()
        is_word = tokens.at_any("STREAM")
        names_table = follower.kind == "quoted" or (
            follower.kind == "name" and follower.upper not in NO_ALIAS | {"AS"}
        )
        return is_word and (names_table or follower.text == "(") and tokens.take("STREAM")

    def _parenthesised(self) -> Relation:
        at = 0
        while self.tokens.at_symbol("(", at):
            at += 1
        if self.tokens.ahead(at).upper in ("SELECT", "WITH", "VALUES", "TABLE"):
            return self._nested_query()
        return self._joined()

    def _identifier(self) -> list[str]:
        if self.tokens.at_words("IDENTIFIER") and self.tokens.at_symbol("(", 1):
            self.tokens.next()
            self.tokens.next()
            name = self.expressions.expression().literal.string
            self.tokens.expect_symbol(")")
            return identifier_parts(name)
        parts = [self.tokens.name()]
        while self.tokens.take_symbol("."):
            parts.append(self.tokens.name())
        return parts

    def named_table(self, *, is_streaming: bool) -> Relation:
        return self._named(self._identifier(), is_streaming=is_streaming)

    def _named(self, parts: list[str], *, is_streaming: bool) -> Relation:
        if len(parts) == 1 and not is_streaming and parts[0].lower() in self.ctes:
            return self.ctes[parts[0].lower()]
        read = Read(is_streaming=is_streaming)
        read.named_table.unparsed_identifier = ".".join(map(quoted, parts))
        if self.tokens.at_words("WITH") and self.tokens.at_symbol("(", 1):
            self.tokens.next()
            read.named_table.options.update(self._options())
        return Relation(read=read)

    def _options(self) -> dict[str, str]:
        """`('key' = 'value', a.b 'value')`."""
        self.tokens.expect_symbol("(")
        options = dict(self.tokens.separated(self._option))
        self.tokens.expect_symbol(")")
        return options

    def _option(self) -> tuple[str, str]:
        key = self.tokens.next()
        name = unquote(key.text) if key.kind == "string" else key.text
        while self.tokens.take_symbol("."):
            name += "." + self.tokens.name()
        self.tokens.take_symbol("=")
        value = self.tokens.next()
        return name, unquote(value.text) if value.kind == "string" else value.text

    def _table_function(self) -> Relation:
        """A table-valued function of constants, which the engine knows only in SQL."""
        start = self.tokens.here.start
        self.expressions.expression()
        return Relation(sql=SQL(query=f"SELECT * FROM {self.tokens.text_from(start)}"))

    def values(self) -> Relation:
        start = self.tokens.next().start
        self.tokens.separated(self.expressions.expression)
        return Relation(sql=SQL(query=self.tokens.text_from(start)))

    def _aliased(self, relation: Relation, default_alias: str | None = None) -> Relation:
        """Reads `[WATERMARK ...] [AS alias [(columns)]]` after a table, which Spark takes in this order."""
        if self.tokens.take("TABLESAMPLE"):
            relation = self._sampled(relation)
        if self.tokens.take("PIVOT"):
            relation = self._pivoted(relation)
        if self.tokens.at_any("UNPIVOT"):
            raise UnsupportedOperationException(None, "UNPIVOT is not supported over a stream.")
        watermark = self._watermark() if self.tokens.at_words("WATERMARK") else None
        name, columns = self._alias()
        relation = renamed(relation, columns)
        if watermark is not None:
            relation = _watermarked(relation, *watermark)
        name = name or default_alias
        return relation if name is None else subquery_alias(relation, name)

    def _pivoted(self, relation: Relation) -> Relation:
        """`PIVOT (sum(a) FOR b IN (1, 2))`: an aggregation, which Spark refuses over a stream."""
        tokens = self.tokens
        tokens.expect_symbol("(")
        aggregates = tokens.separated(self._pivot_aggregate)
        tokens.expect("FOR")
        pivot = Aggregate.Pivot(col=self.expressions.primary())
        tokens.expect("IN")
        tokens.expect_symbol("(")
        values = tokens.separated(self.expressions.named_expression)
        for _ in "))":
            tokens.expect_symbol(")")
        bare = (value.alias.expr if value.HasField("alias") else value for value in values)
        pivot.values.extend(value.literal for value in bare)
        group_type = Aggregate.GROUP_TYPE_PIVOT
        shape = Aggregate(
            input=relation, group_type=group_type, pivot=pivot, aggregate_expressions=map(lowered, aggregates)
        )
        return Relation(aggregate=shape)

    def _pivot_aggregate(self) -> Expression:
        function = self.expressions.expression()
        return alias(function, self.tokens.name()) if self.tokens.take("AS") else function

    def _sampled(self, relation: Relation) -> Relation:
        """`(n ROWS)` is a limit; a share of the rows, which no stream gives, is refused by its relation."""
        tokens = self.tokens
        tokens.expect_symbol("(")
        if tokens.take("BUCKET"):
            part = self.expressions.expression()
            tokens.expect("OUT", "OF")
            share = part.literal.integer / (self.expressions.expression().literal.integer or 1)
        else:
            amount = self.expressions.expression()
            if tokens.take("ROWS"):
                tokens.expect_symbol(")")
                return Relation(limit=Limit(input=relation, limit=amount.literal.integer))
            tokens.expect("PERCENT")
            share = amount.literal.integer / 100
        tokens.expect_symbol(")")
        return Relation(sample=Sample(input=relation, lower_bound=0.0, upper_bound=share))

    def _watermark(self) -> tuple[Expression, str]:
        """`WATERMARK expression DELAY OF INTERVAL ...`: the event time and the delay's text."""
        self.tokens.expect("WATERMARK")
        time = self.expressions.expression()
        if self.tokens.take("AS"):
            time = alias(time, self.tokens.name())
        self.tokens.expect("DELAY", "OF")
        start = self.tokens.here.start
        if not self.tokens.at_any("INTERVAL"):
            self.tokens.fail(": missing 'INTERVAL'")
        self.expressions.expression()
        return time, self.tokens.text_from(start)

    def _alias(self) -> tuple[str | None, list[str]]:
        tokens = self.tokens
        named = tokens.take("AS")
        token = tokens.here
        if not named and not (
            token.kind == "quoted" or (token.kind == "name" and token.upper not in NO_ALIAS)
        ):
            return None, []
        name = tokens.name()
        return name, tokens.names() if tokens.at_symbol("(") else []


def renamed(relation: Relation, columns: list[str]) -> Relation:
    return Relation(to_df=ToDF(input=relation, column_names=columns)) if columns else relation


def _watermarked(relation: Relation, time: Expression, delay: str) -> Relation:
    if time.HasField("alias"):
        columns = [Expression.Alias(expr=lowered(time.alias.expr), name=time.alias.name)]
        relation = Relation(with_columns=WithColumns(input=relation, aliases=columns))
    # The alias of the table itself goes above the watermark, so a qualified column is found without it.
    name = attribute(output_name(time)).unresolved_attribute.unparsed_identifier
    return Relation(with_watermark=WithWatermark(input=relation, event_time=name, delay_threshold=delay))
