"""Which columns a relation over joins has: their names in the plan, and the names users call them by.

Columns of two frames may share a name; users then tell them apart by frame (`clicks.ts`) or by table
alias (`c.ts`). A scope remembers both, as Spark's attributes do, through the relations above a join.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace

from pyspark.sql.connect.proto.expressions_pb2 import Expression

from cauce.errors import AnalysisException
from cauce.plan.build import alias, attribute, quoted
from cauce.plan.expression_text import function_name, output_name
from cauce.plan.tables import identifier_parts
from cauce.plan.walk import operands, replace_operands

__all__ = ["Column", "Scope", "fresh_name", "parsed", "unaliased"]


@dataclass(frozen=True)
class Column:
    """`name` is its own in the whole scope; `shown` is what users call it, and perhaps others, too."""

    name: str
    shown: str
    frames: Mapping[int, int] = field(default_factory=dict)
    """Ids of the frames it is a column of, and how deep below they are: the nearest one is meant."""
    tables: frozenset[str] = frozenset()
    """Table aliases, in lower case, by which it can be qualified."""

    def is_called(self, name: str) -> bool:
        return self.shown.lower() == name.lower()


@dataclass(frozen=True)
class Scope:
    """The columns of one relation: all it has, in order, and those users see, in the order they see them."""

    columns: tuple[Column, ...]
    visible: tuple[str, ...]

    @property
    def visible_columns(self) -> list[Column]:
        by_name = {column.name: column for column in self.columns}
        return [by_name[name] for name in self.visible]

    @property
    def is_settled(self) -> bool:
        """Whether the relation has just what users see."""
        return tuple(column.name for column in self.columns) == self.visible

    @property
    def is_plain(self) -> bool:
        """Whether users see every column under its own name."""
        return self.is_settled and all(column.name == column.shown for column in self.columns)

    def with_frame(self, frame: int | None) -> "Scope":
        """The columns that can be seen are also columns of this frame."""
        if frame is None:
            return self
        columns = (
            replace(c, frames={**c.frames, frame: 0}) if c.name in self.visible else c for c in self.columns
        )
        return replace(self, columns=tuple(columns))

    def resolve(self, reference: Expression.UnresolvedAttribute) -> tuple[Column, list[str]] | None:
        """The column meant, and the struct fields to follow inside it; None if there is no such column."""
        candidates, parts = list(self.columns), identifier_parts(reference.unparsed_identifier)
        if reference.HasField("plan_id"):
            candidates = [c for c in candidates if reference.plan_id in c.frames] or candidates
        if len(parts) > 1:
            qualified = [c for c in candidates if parts[0].lower() in c.tables and c.is_called(parts[1])]
            if qualified:
                return self._only(qualified, reference), parts[2:]
        found = [c for c in candidates if c.is_called(parts[0])]
        return (self._only(found, reference), parts[1:]) if found else None

    def rewrite(self, expression: Expression) -> Expression:
        """The expression with every reference replaced by the column's own name."""
        if expression.HasField("expression_string"):
            return self.rewrite(unaliased(parsed(expression)))
        if expression.HasField("unresolved_attribute"):
            found = self.resolve(expression.unresolved_attribute)
            return expression if found is None else attribute(found[0].name, *found[1])
        old = operands(expression)
        new = [self.rewrite(operand) for operand in old]
        if function_name(expression) == "struct":  # its fields are called after the columns
            new = [_called_as(before, after) for before, after in zip(old, new, strict=True)]
        return replace_operands(expression, new)

    def find(self, name: str) -> Column | None:
        """The column that users see under a bare name; AnalysisException if there are several."""
        reference = Expression.UnresolvedAttribute(unparsed_identifier=quoted(name))
        found = self.resolve(reference)
        return found[0] if found else None

    def star(self, star: Expression.UnresolvedStar) -> list[Column] | None:
        """The columns of `*`, `table.*` or `frame["*"]`; None if the target is no table."""
        columns = self.visible_columns
        if star.HasField("plan_id"):
            columns = [c for c in columns if star.plan_id in c.frames] or columns
        if not star.HasField("unparsed_target"):
            return columns
        table = identifier_parts(star.unparsed_target.removesuffix(".*"))[-1].lower()
        return [c for c in columns if table in c.tables] or None

    def _only(self, found: list[Column], reference: Expression.UnresolvedAttribute) -> Column:
        found = [c for c in found if c.name in self.visible] or found
        if reference.HasField("plan_id") and len(found) > 1:
            depths = [c.frames.get(reference.plan_id, 0) for c in found]
            found = [c for c, depth in zip(found, depths, strict=True) if depth == min(depths)]
        if len(found) == 1:
            return found[0]
        name = output_name(Expression(unresolved_attribute=reference))
        if reference.HasField("plan_id"):
            raise AnalysisException("AMBIGUOUS_COLUMN_REFERENCE", name=f"`{name}`")
        options = ", ".join(f"`{'`.`'.join([*sorted(c.tables)[:1], c.shown])}`" for c in found)
        raise AnalysisException("AMBIGUOUS_REFERENCE", name=f"`{name}`", referenceNames=f"[{options}]")


def _called_as(before: Expression, after: Expression) -> Expression:
    if not before.HasField("unresolved_attribute") or output_name(before) == output_name(after):
        return after
    return alias(after, output_name(before))


def parsed(expression: Expression) -> Expression:
    """SQL text as the expression it stands for, named as Spark names it."""
    if not expression.HasField("expression_string"):
        return expression
    from cauce.plan.sql import parse_expression  # only loaded by those who use SQL

    return parse_expression(expression.expression_string.expression)


def unaliased(expression: Expression) -> Expression:
    """The expression without its name."""
    return expression.alias.expr if expression.HasField("alias") else expression


def fresh_name(shown: str, taken: Iterable[str]) -> str:
    """A name for another column called `shown`: that name itself if it is still free."""
    used: Collection[str] = {name.lower() for name in taken}
    name, number = shown, 1
    while name.lower() in used:
        name, number = f"__cauce_{number}_{shown}", number + 1
    return name
