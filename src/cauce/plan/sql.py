"""SQL text as relations, so that a query over streams is cut and checked like DataFrame code.

Reads what a SELECT statement over a stream needs of Spark's grammar, and raises for the rest;
SQL over static tables never comes here, it goes to the engine as text.
"""

import zlib
from collections.abc import Callable, Mapping

from pyspark.sql.connect.proto.expressions_pb2 import Expression
from pyspark.sql.connect.proto.relations_pb2 import (
    SQL,
    Limit,
    Offset,
    Relation,
    RepartitionByExpression,
    SetOperation,
    Sort,
    WithRelations,
)

from cauce.errors import ParseException, UnsupportedOperationException
from cauce.plan.build import call, string
from cauce.plan.sql_calls import window
from cauce.plan.sql_context import Parameters, Subqueries
from cauce.plan.sql_expressions import ExpressionParser
from cauce.plan.sql_grouping import crossed, cube, distinct_keys, grouping_element, keys_or_sets, rollup
from cauce.plan.sql_lowering import lowered
from cauce.plan.sql_select import STAR_EXCEPT, Columns, Select, distinct, selected
from cauce.plan.sql_sources import SourceParser, renamed
from cauce.plan.sql_tokens import END, Tokens
from cauce.plan.walk import transform, walk_expressions

__all__ = ["parse_expression", "parse_query"]

SET_OPERATIONS = {
    "UNION": SetOperation.SET_OP_TYPE_UNION,
    "INTERSECT": SetOperation.SET_OP_TYPE_INTERSECT,
    "EXCEPT": SetOperation.SET_OP_TYPE_EXCEPT,
    "MINUS": SetOperation.SET_OP_TYPE_EXCEPT,
}


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
    """Reads one query and those nested in it."""

    def __init__(self, tokens: Tokens, parameters: Parameters, columns: Columns | None) -> None:
        self.tokens = tokens
        self.columns = columns
        # Ids that differ between two SQL texts of one plan, and are the same every time.
        first_id = (zlib.crc32(tokens.sql.encode()) << 16) | 1 << 50
        self.subqueries = Subqueries(self._nested_query, first_id)
        self.expressions = ExpressionParser(tokens, parameters, self.subqueries)
        self.sources = SourceParser(tokens, self.expressions, self._nested_query, columns)

    def _nested_query(self) -> Relation:
        """A query that sees this one's CTEs and hides its own."""
        outer = dict(self.sources.ctes)
        outer_found, self.subqueries.found = self.subqueries.found, []
        relation = self.query()
        self.sources.ctes, self.subqueries.found = outer, outer_found
        return relation

    def query(self) -> Relation:
        """`[WITH ...] term [ORDER BY ...] [LIMIT n] [OFFSET n]`."""
        if self.tokens.take("WITH"):
            self._read_ctes()
        term = self._set_operations()
        if isinstance(term, Select) and not term.is_distinct and self.tokens.take("ORDER", "BY"):
            term.order = self.tokens.separated(self.expressions.sort_order)
        relation = self._ordered(self._relation(term))
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
            self.sources.ctes[name.lower()] = renamed(query, columns)
            if not self.tokens.take_symbol(","):
                return

    def _set_operations(self) -> Select | Relation:
        left = self._intersections()
        while (word := self.tokens.take_any("UNION", "EXCEPT", "MINUS")) is not None:
            left = self._set_operation(word, left, self._intersections)
        return left

    def _intersections(self) -> Select | Relation:
        left = self._term()
        while self.tokens.take("INTERSECT"):
            left = self._set_operation("INTERSECT", left, self._term)
        return left

    def _set_operation(
        self, word: str, left: Select | Relation, right: Callable[[], Select | Relation]
    ) -> Relation:
        is_all = self.tokens.take_any("ALL", "DISTINCT") == "ALL"
        operation = SetOperation(
            left_input=self._relation(left), set_op_type=SET_OPERATIONS[word], is_all=is_all
        )
        operation.right_input.CopyFrom(self._relation(right()))
        if word != "UNION" or is_all:
            return Relation(set_op=operation)
        operation.is_all = True
        return distinct(Relation(set_op=operation), self.columns)

    def _relation(self, term: Select | Relation) -> Relation:
        return selected(term, self.columns) if isinstance(term, Select) else term

    def _term(self) -> Select | Relation:
        """A SELECT, whose ORDER BY may still follow, or something that is complete."""
        tokens = self.tokens
        if tokens.take_symbol("("):
            relation = self._nested_query()
            tokens.expect_symbol(")")
            return relation
        if tokens.at_any("VALUES"):
            return self.sources.values()
        if tokens.take("TABLE"):
            return self.sources.named_table(is_streaming=False)
        if tokens.at_any("FROM"):
            source = self.sources.sources()
            tokens.expect("SELECT")
            return self._select(source)
        if not tokens.take("SELECT"):
            tokens.fail()
        return self._select()

    def _ordered(self, relation: Relation) -> Relation:
        """ORDER BY over what a query gives, where it is not the order of one SELECT; then its limits."""
        if self.tokens.take("ORDER", "BY"):
            order = self.tokens.separated(self.expressions.sort_order)
            relation = Relation(sort=Sort(input=relation, order=order, is_global=True))
        return self._limited(self._distributed(relation))

    def _distributed(self, relation: Relation) -> Relation:
        """DISTRIBUTE BY, SORT BY and, which is both, CLUSTER BY."""
        is_cluster = self.tokens.take("CLUSTER", "BY")
        if is_cluster or self.tokens.take("DISTRIBUTE", "BY"):
            keys = [lowered(key) for key in self.tokens.separated(self.expressions.expression)]
            by = RepartitionByExpression(input=relation, partition_exprs=keys)
            relation = Relation(repartition_by_expression=by)
            if is_cluster:
                order = [Expression.SortOrder(child=key) for key in keys]
                return Relation(sort=Sort(input=relation, order=order))
        if self.tokens.take("SORT", "BY"):
            order = self.tokens.separated(self.expressions.sort_order)
            relation = Relation(sort=Sort(input=relation, order=order))
        return relation

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

    def _select(self, read: tuple[Relation | None, set[str]] | None = None) -> Select:
        """Everything from the SELECT list to WINDOW; the FROM clause may have come first."""
        tokens = self.tokens
        is_distinct = tokens.take("DISTINCT")
        if not is_distinct:
            tokens.take("ALL")
        items = tokens.separated(self._select_item)
        source, views = read or self.sources.sources()
        select = Select(items=items, source=source, views=views, is_distinct=is_distinct)
        if tokens.take("WHERE"):
            select.where = self.expressions.expression()
        if tokens.take("GROUP", "BY"):
            self._read_grouping(select)
        if tokens.take("HAVING"):
            select.having = self.expressions.expression()
        if tokens.take("WINDOW"):
            self._read_windows(select)
        return select

    def _select_item(self) -> Expression:
        expression = self.expressions.named_expression()
        if (
            expression.HasField("unresolved_star")
            and self.tokens.at_words("EXCEPT")
            and self.tokens.at_symbol("(", 1)
        ):
            self.tokens.next()
            return call(STAR_EXCEPT, *map(string, self.tokens.names()))
        return expression

    def _read_windows(self, select: Select) -> None:
        """`WINDOW name AS (..), ..`."""
        for name, definition in self.tokens.separated(self._named_window):
            select.windows[name.lower()] = definition

    def _named_window(self) -> tuple[str, Expression.Window]:
        name = self.tokens.name()
        self.tokens.expect("AS")
        return name, window(self.expressions)

    def _read_grouping(self, select: Select) -> None:
        tokens = self.tokens
        if tokens.take("ALL"):
            select.group_by_all = True
            return
        elements = tokens.separated(lambda: grouping_element(self.expressions))
        select.group_by = [key for keys, _ in elements for key in keys]
        if tokens.at_words("GROUPING", "SETS"):
            _, select.grouping_sets = grouping_element(self.expressions)
        elif tokens.take("WITH"):
            select.grouping_sets = (rollup if tokens.next().upper == "ROLLUP" else cube)(select.group_by)
        elif any(sets is not None for _, sets in elements):
            select.grouping_sets = crossed(keys_or_sets(*element) for element in elements)
        if select.grouping_sets is not None:
            select.group_by = distinct_keys([*select.group_by, *(k for s in select.grouping_sets for k in s)])

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
