"""SQL text as tokens, by Spark's lexical rules: back quotes name, both other quotes make strings."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn, TypeVar

from cauce.errors import ParseException

__all__ = ["END", "Token", "Tokens", "tokenize", "unquote"]

SCANNER = re.compile(
    r"""
    (?P<skip>\s+ | --[^\n]* | /\*.*?\*/)
  | (?P<string>r'[^']*' | r"[^"]*" | '(?:[^'\\]|\\.|'')*' | "(?:[^"\\]|\\.|"")*")
  | (?P<hex>[xX]'[0-9a-fA-F]*')
  | (?P<number>(?:\d+\.\d*|\.\d+|\d+)(?:[eE][+-]?\d+)?(?:BD|[LSYFD])?(?![\w]))
  | (?P<quoted>`(?:[^`]|``)*`)
  | (?P<name>\w+)
  | (?P<symbol><=>|>>>|\|\||::|->|=>|<>|!=|==|<=|>=|<<|>>|[-+*/%~&^|=<>!(),.\[\]:;?{}@])
  """,
    re.VERBOSE | re.DOTALL | re.IGNORECASE,
)
ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-3][0-7]{2})|(.))", re.DOTALL)
ESCAPED = {"0": "\0", "b": "\b", "n": "\n", "r": "\r", "t": "\t", "Z": "\x1a", "%": "\\%", "_": "\\_"}

END = "end"

T = TypeVar("T")


@dataclass(frozen=True)
class Token:
    """One token; `upper` is its text in upper case if it is a bare word, else ""."""

    kind: str
    text: str
    upper: str
    start: int
    end: int


def tokenize(sql: str) -> list[Token]:
    """Every token of the text, an END token last; Spark's syntax error at a character nothing begins with."""
    found, at = [], 0
    while at < len(sql):
        match = SCANNER.match(sql, at)
        if match is None or match.lastgroup is None:
            raise ParseException("PARSE_SYNTAX_ERROR", error=f"'{sql[at]}'", hint="")
        if match.lastgroup != "skip":
            text, kind = match.group(), match.lastgroup
            found.append(Token(kind, text, text.upper() if kind == "name" else "", at, match.end()))
        at = match.end()
    return [*found, Token(END, "", "", len(sql), len(sql))]


def unquote(text: str) -> str:
    """The value of a string literal, escapes read."""
    if text[0] in "rR":
        return text[2:-1]
    return ESCAPE.sub(_unescape, text[1:-1].replace(text[0] * 2, text[0]))


def _unescape(match: re.Match[str]) -> str:
    four, eight, octal, plain = match.groups()
    if code := four or eight:
        return chr(int(code, 16))
    return chr(int(octal, 8)) if octal else ESCAPED.get(plain, plain)


class Tokens:
    """A cursor over tokens, with the questions a parser asks."""

    def __init__(self, sql: str) -> None:
        self.sql = sql
        self._tokens = tokenize(sql)
        self._at = 0

    @property
    def here(self) -> Token:
        return self._tokens[self._at]

    def ahead(self, distance: int = 1) -> Token:
        """The token `distance` after this one."""
        return self._tokens[min(self._at + distance, len(self._tokens) - 1)]

    def next(self) -> Token:
        """This token, moving on."""
        token = self.here
        if token.kind != END:
            self._at += 1
        return token

    def at_words(self, *words: str) -> bool:
        """Whether these words follow, in this order."""
        return all(self.ahead(i).upper == word for i, word in enumerate(words))

    def at_any(self, *words: str) -> bool:
        """Whether one of these words is here."""
        return self.here.upper in words and self.here.upper != ""

    def at_symbol(self, symbol: str, distance: int = 0) -> bool:
        token = self.ahead(distance)
        return token.kind == "symbol" and token.text == symbol

    def take(self, *words: str) -> bool:
        """Move past these words if they follow."""
        if not self.at_words(*words):
            return False
        self._at += len(words)
        return True

    def take_any(self, *words: str) -> str | None:
        """Move past one of these words, and tell which."""
        return self.next().upper if self.at_any(*words) else None

    def take_symbol(self, symbol: str) -> bool:
        if not self.at_symbol(symbol):
            return False
        self._at += 1
        return True

    def expect(self, *words: str) -> None:
        for word in words:
            if not self.take(word):
                self.fail(f": missing '{word}'")

    def expect_symbol(self, symbol: str) -> None:
        if not self.take_symbol(symbol):
            self.fail()

    def name(self) -> str:
        """An identifier, unquoted."""
        token = self.here
        if token.kind == "quoted":
            self.next()
            return token.text[1:-1].replace("``", "`")
        if token.kind != "name":
            self.fail()
        return self.next().text

    def names(self) -> list[str]:
        """`(a, b, c)`."""
        self.expect_symbol("(")
        names = self.separated(self.name)
        self.expect_symbol(")")
        return names

    def separated(self, item: Callable[[], T]) -> list[T]:
        """One or more items with commas between."""
        items = [item()]
        while self.take_symbol(","):
            items.append(item())
        return items

    def data_type(self) -> str:
        """A data type, as text for the engine to read."""
        start = self.here.start
        self.name()
        if self.at_symbol("(") or self.at_symbol("<"):
            self._skip_brackets()
        while self.at_any("TO", "YEAR", "MONTH", "DAY", "HOUR", "MINUTE", "SECOND"):
            self.next()
        return self.text_from(start)

    def _skip_brackets(self) -> None:
        depth = 0
        while True:
            text = self.next().text
            depth += {"(": 1, "<": 1, ")": -1, ">": -1, ">>": -2, ">>>": -3}.get(text, 0)
            if depth <= 0:
                return
            if text == "":
                self.fail()

    def text_from(self, start: int) -> str:
        """The source text from a position to the end of the token before this one."""
        return self.sql[start : self._tokens[self._at - 1].end]

    def attempt(self, parse: Callable[[], T]) -> T | None:
        """What `parse` reads, or None and no movement if it finds a syntax error."""
        start = self._at
        try:
            return parse()
        except ParseException:
            self._at = start
            return None

    def fail(self, hint: str = "") -> NoReturn:
        """Spark's syntax error at this token."""
        near = "end of input" if self.here.kind == END else f"'{self.here.text}'"
        raise ParseException("PARSE_SYNTAX_ERROR", error=near, hint=hint)
