"""SQL text as relations, so that a query over streams is cut and checked like DataFrame code.

Reads what a SELECT statement over a stream needs of Spark's grammar, and raises for the rest;
SQL over static tables never comes here, it goes to the engine as text.
"""

import zlib
from collections.abc import Callable, Mapping

from pyspark.sql.connect.proto.expressions_pb2 import Expression
from pyspark.sql.connect.proto.relations_pb2 import (
    SQL,
    Deduplicate,
    Join,
    LateralJoin,
    Limit,
    Offset,
    Read,
    Relation,
    SetOperation,
    Sort,
    ToDF,
    WithColumns,
    WithRelations,
    WithWatermark,
)

from cauce.errors import ParseException, UnsupportedOperationException
from cauce.plan.build import alias, attribute, call, project, quoted, star, subquery_alias
from cauce.plan.expression_text import function_name, output_name
from cauce.plan.sql_expressions import ExpressionParser, Parameters, Subqueries
from cauce.plan.sql_lowering import lowered, row_items
from cauce.plan.sql_select import Columns, Select, selected
from cauce.plan.sql_tokens import END, Tokens, unquote
from cauce.plan.tables import identifier_parts
from cauce.plan.walk import transform, walk_expressions

__all__ = ["parse_expression", "parse_query"]

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
SET_OPERATIONS = {
    "UNION": SetOperation.SET_OP_TYPE_UNION,
    "INTERSECT": SetOperation.SET_OP_TYPE_INTERSECT,
    "EXCEPT": SetOperation.SET_OP_TYPE_EXCEPT,
    "MINUS": SetOperation.SET_OP_TYPE_EXCEPT,
}
GENERATORS = ("explode", "explode_outer", "posexplode", "posexplode_outer", "inline", "inline_outer", "stack")


def parse_query(sql: SQL, columns: Columns | None = None) -> Relation:
    """The relation a SELECT statement stands for; named tables are left for the caller to resolve.

    `columns` tells the column names of a relation read by a FROM. Spark prefers those over aliases of
    the select list where a name could mean either; without it, GROUP BY takes the alias, and a
    select item cannot use the alias of an earlier one.
    """
    if not sql.query.strip(" ;\n\t"):
        raise ParseException("PARSE_EMPTY_STATEMENT")
    tokens = Tokens(sql.query)
    relation = _QueryParser(tokens, _parameters(sql), columns).query()
    while tokens.take_symbol(";"):
        pass
    if tokens.here.kind != END:
        tokens.fail(f": extra input '{tokens.here.text}'")
    return relation


def parse_expression(text: str) -> Expression:
    """The expression `F.expr(text)` stands for, with its alias if the text has one."""
    tokens = Tokens(text)
    expression = ExpressionParser(tokens, Parameters(), Subqueries()).named_expression()
    if tokens.here.kind != END:
        tokens.fail(f": extra input '{tokens.here.text}'")
    return lowered(expression)


def _parameters(sql: SQL) -> Parameters:
    named = {name: Expression(literal=literal) for name, literal in sql.args.items()} | dict(
        sql.named_arguments
    )
    positional = [Expression(literal=literal) for literal in sql.pos_args] or list(sql.pos_arguments)
    return Parameters(named, positional)


class _QueryParser:
    """Reads one query and those nested in it; `ctes` are the named queries in scope."""

    def __init__(self, tokens: Tokens, parameters: Parameters, columns: Columns | None) -> None:
        self.tokens = tokens
        self.columns = columns
        self.ctes: dict[str, Relation] = {}
        # Ids that differ between two SQL texts of one plan, and are the same every time.
        first_id = (zlib.crc32(tokens.sql.encode()) << 16) | 1 << 50
        self.subqueries = Subqueries(self._nested_query, first_id)
        self.expressions = ExpressionParser(tokens, parameters, self.subqueries)

    def _nested_query(self) -> Relation:
        """A query that sees this one's CTEs and hides its own."""
        outer = dict(self.ctes)
        outer_found, self.subqueries.found = self.subqueries.found, []
        relation = self.query()
        self.ctes, self.subqueries.found = outer, outer_found
        return relation

    def query(self) -> Relation:
        """`[WITH ...] term [ORDER BY ...] [LIMIT n] [OFFSET n]`."""
        if self.tokens.take("WITH"):
            self._read_ctes()
        relation = self._set_operations(self._intersections())
        relation = self._ordered(relation)
        return self._with_subqueries(relation)

    def _read_ctes(self) -> None:
        if self.tokens.take("RECURSIVE"):
            raise UnsupportedOperationException(None, "WITH RECURSIVE is not supported over a stream.")
        while True:
            name = self.tokens.name()
            columns = self.tokens.names() if self.tokens.at_symbol("(") else []
            self.tokens.take("AS")
            self.tokens.expect_symbol("(")
            query = self._nested_query()
            self.tokens.expect_symbol(")")
            self.ctes[name.lower()] = _renamed(query, columns)
            if not self.tokens.take_symbol(","):
                return

    def _set_operations(self, left: Relation) -> Relation:
        while (word := self.tokens.take_any("UNION", "EXCEPT", "MINUS")) is not None:
            left = self._set_operation(word, left, self._intersections)
        return left

    def _intersections(self) -> Relation:
        left = self._term()
        while self.tokens.take("INTERSECT"):
            left = self._set_operation("INTERSECT", left, self._term)
        return left

    def _set_operation(self, word: str, left: Relation, right: Callable[[], Relation]) -> Relation:
        is_all = self.tokens.take_any("ALL", "DISTINCT") == "ALL"
        operation = SetOperation(left_input=left, set_op_type=SET_OPERATIONS[word], is_all=is_all)
        operation.right_input.CopyFrom(right())
        return Relation(set_op=operation)

    def _term(self) -> Relation:
        tokens = self.tokens
        if tokens.take_symbol("("):
            relation = self._nested_query()
            tokens.expect_symbol(")")
            return relation
        if tokens.at_any("VALUES"):
            return self._values()
        if tokens.take("TABLE"):
            return self._named_table(is_streaming=False)
        if not tokens.take("SELECT"):
            tokens.fail()
        return self._select()

    def _ordered(self, relation: Relation) -> Relation:
        """ORDER BY and limits of a whole query; those of a single SELECT were read with it."""
        if self.tokens.take("ORDER", "BY"):
            order = self.tokens.separated(self.expressions.sort_order)
            relation = Relation(sort=Sort(input=relation, order=order, is_global=True))
        return self._limited(relation)

    def _limited(self, relation: Relation) -> Relation:
        limit = None
        if self.tokens.take("LIMIT") and not self.tokens.take("ALL"):
            limit = self._constant()
        if self.tokens.take("OFFSET"):
            relation = Relation(offset=Offset(input=relation, offset=self._constant()))
        return relation if limit is None else Relation(limit=Limit(input=relation, limit=limit))

    def _constant(self) -> int:
        literal = self.expressions.expression().literal
        if literal.WhichOneof("literal_type") not in ("integer", "long"):
            self.tokens.fail()
        return literal.integer or literal.long

    def _select(self) -> Relation:
        """Everything from the SELECT list to LIMIT."""
        tokens = self.tokens
        is_distinct = tokens.take("DISTINCT")
        if not is_distinct:
            tokens.take("ALL")
        items = tokens.separated(self._select_item)
        source, views = self._from()
        select = Select(items=items, source=source, views=views)
        if tokens.take("WHERE"):
            select.where = self.expressions.expression()
        if tokens.take("GROUP", "BY"):
            self._read_grouping(select)
        if tokens.take("HAVING"):
            select.having = self.expressions.expression()
        if not is_distinct and tokens.take("ORDER", "BY"):
            select.order = tokens.separated(self.expressions.sort_order)
        relation = selected(select, self.columns)
        if is_distinct:
            relation = Relation(deduplicate=Deduplicate(input=relation, all_columns_as_keys=True))
        return relation

    def _select_item(self) -> Expression:
        expression = self.expressions.named_expression()
        if (
            expression.HasField("unresolved_star")
            and self.tokens.at_words("EXCEPT")
            and self.tokens.at_symbol("(", 1)
        ):
            raise UnsupportedOperationException(None, "* EXCEPT (..) is not supported over a stream.")
        return expression

    def _read_grouping(self, select: Select) -> None:
        tokens = self.tokens
        if tokens.take("ALL"):
            select.group_by_all = True
            return
        if tokens.at_any("ROLLUP", "CUBE") or tokens.at_words("GROUPING", "SETS"):
            select.group_type = tokens.next().text.lower()
        keys = tokens.separated(self.expressions.expression)
        # ROLLUP (a, b) rolls up two columns; GROUP BY (a, b) groups by one row.
        select.group_by = [part for key in keys for part in (select.group_type and row_items(key)) or [key]]
        if tokens.take("WITH"):
            select.group_type = tokens.next().text.lower()

    def _from(self) -> tuple[Relation | None, set[str]]:
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
        while (join_type := self._join_type()) is not None:
            left = self._join(left, join_type)
        return left

    def _join_type(self) -> "Join.JoinType.ValueType | None":
        tokens = self.tokens
        if tokens.at_any("NATURAL"):
            raise UnsupportedOperationException(None, "NATURAL JOIN is not supported over a stream.")
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
            return self._aliased(self._values())
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

    def _named_table(self, *, is_streaming: bool) -> Relation:
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

    def _values(self) -> Relation:
        start = self.tokens.next().start
        self.tokens.separated(self.expressions.expression)
        return Relation(sql=SQL(query=self.tokens.text_from(start)))

    def _aliased(self, relation: Relation, default_alias: str | None = None) -> Relation:
        """Reads `[WATERMARK ...] [AS alias [(columns)]]` after a table, which Spark takes in this order."""
        if self.tokens.at_any("TABLESAMPLE", "PIVOT", "UNPIVOT"):
            raise UnsupportedOperationException(
                None, f"{self.tokens.here.upper} is not supported over a stream."
            )
        watermark = self._watermark() if self.tokens.at_words("WATERMARK") else None
        name, columns = self._alias()
        relation = _renamed(relation, columns)
        if watermark is not None:
            relation = _watermarked(relation, *watermark)
        name = name or default_alias
        return relation if name is None else subquery_alias(relation, name)

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

    def _with_subqueries(self, relation: Relation) -> Relation:
        """Every node with a subquery in its expressions, together with that subquery's relation.

        As near to the node as can be: a plan that is cut below still finds them together.
        """
        if not self.subqueries.found:
            return relation
        references = {reference.common.plan_id: reference for reference in self.subqueries.found}
        self.subqueries.found = []
        return transform(relation, lambda node: _with_references(node, references))


def _with_references(node: Relation, references: Mapping[int, Relation]) -> Relation:
    wanted = [
        references[expression.subquery_expression.plan_id]
        for expression in walk_expressions(node)
        if expression.HasField("subquery_expression") and expression.subquery_expression.plan_id in references
    ]
    return Relation(with_relations=WithRelations(root=node, references=wanted)) if wanted else node


def _renamed(relation: Relation, columns: list[str]) -> Relation:
    return Relation(to_df=ToDF(input=relation, column_names=columns)) if columns else relation


def _watermarked(relation: Relation, time: Expression, delay: str) -> Relation:
    if time.HasField("alias"):
        columns = [Expression.Alias(expr=lowered(time.alias.expr), name=time.alias.name)]
        relation = Relation(with_columns=WithColumns(input=relation, aliases=columns))
    # The alias of the table itself goes above the watermark, so a qualified column is found without it.
    name = attribute(output_name(time)).unresolved_attribute.unparsed_identifier
    return Relation(with_watermark=WithWatermark(input=relation, event_time=name, delay_threshold=delay))
