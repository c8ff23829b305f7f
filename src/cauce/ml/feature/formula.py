"""R formulas, such as `y ~ a + b:c - 1`: the label, and which columns or products of columns are features."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from cauce.errors import IllegalArgumentException

__all__ = ["Formula", "parse"]

Terms = list[tuple[str, ...]]
"""Columns, and products of columns, without doubles."""

TOKEN = re.compile(r"\s*(\d+|(?:[a-zA-Z]|\.[a-zA-Z_])[a-zA-Z0-9._]*|`[^`]+`|[~+\-*:^().])")


@dataclass(frozen=True)
class Formula:
    """A formula over known columns."""

    label: str
    terms: tuple[tuple[str, ...], ...]
    has_intercept: bool


def parse(text: str, columns: Sequence[str]) -> Formula:
    """The formula, in which a dot means all `columns` but the label."""
    return _Parser(text, columns).formula()


class _Parser:
    """From loose to tight: + and -, *, :, ^, columns and parentheses."""

    def __init__(self, text: str, columns: Sequence[str]) -> None:
        self.text = text
        self.columns = columns
        self.tokens = _tokens(text)
        self.label = ""
        self.has_intercept = True

    def formula(self) -> Formula:
        if self.tokens[:1] != ["~"]:
            self.label = self._column()
        self._expect("~")
        terms = self._sum()
        if self.tokens:
            self._fail()
        return Formula(self.label, tuple(terms), self.has_intercept)

    def _sum(self) -> Terms:
        found = self._term(adding=True)
        while self.tokens[:1] in (["+"], ["-"]):
            adding = self.tokens.pop(0) == "+"
            more = self._term(adding=adding)
            if adding:
                found = _without_doubles([*found, *more])
            else:
                gone = {frozenset(term) for term in more}
                found = [term for term in found if frozenset(term) not in gone]
        return found

    def _term(self, *, adding: bool) -> Terms:
        if self.tokens[:1] in (["0"], ["1"]):
            self.has_intercept = (self.tokens.pop(0) == "1") == adding
            return []
        found = self._product()
        while self.tokens[:1] == ["*"]:
            self.tokens.pop(0)
            other = self._product()
            found = _without_doubles([*found, *other, *_crossed(found, other)])
        return found

    def _product(self) -> Terms:
        found = self._power()
        while self.tokens[:1] == [":"]:
            self.tokens.pop(0)
            found = _crossed(found, self._power())
        return found

    def _power(self) -> Terms:
        base = self._atom()
        if self.tokens[:1] != ["^"]:
            return base
        self.tokens.pop(0)
        if not self.tokens or not self.tokens[0].isdigit():
            self._fail()
        found = base
        for _ in range(int(self.tokens.pop(0)) - 1):
            found = _without_doubles([*found, *_crossed(found, base)])
        return sorted(found, key=len)

    def _atom(self) -> Terms:
        if self.tokens[:1] == ["("]:
            self.tokens.pop(0)
            found = self._sum()
            self._expect(")")
            return found
        if self.tokens[:1] == ["."]:
            self.tokens.pop(0)
            return [(column,) for column in self.columns if column != self.label]
        return [(self._column(),)]

    def _column(self) -> str:
        if not self.tokens or not re.match(r"[a-zA-Z`.]", self.tokens[0]):
            self._fail()
        return self.tokens.pop(0).strip("`")

    def _expect(self, token: str) -> None:
        if self.tokens[:1] != [token]:
            self._fail()
        self.tokens.pop(0)

    def _fail(self) -> None:
        raise IllegalArgumentException(None, f"Could not parse formula: {self.text}")


def _tokens(text: str) -> list[str]:
    found, place = [], 0
    while text[place:].strip():
        match = TOKEN.match(text, place)
        if match is None:
            raise IllegalArgumentException(None, f"Could not parse formula: {text}")
        found.append(match[1])
        place = match.end()
    return found


def _crossed(left: Terms, right: Terms) -> Terms:
    return _without_doubles([tuple(dict.fromkeys((*one, *other))) for one in left for other in right])


def _without_doubles(terms: Terms) -> Terms:
    """a:b is b:a."""
    return list({frozenset(term): term for term in reversed(terms)}.values())[::-1]
