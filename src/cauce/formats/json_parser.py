"""A JSON parser as lenient as Jackson under Spark's options, which remembers where each value stands.

It is for the lines that the fast reader refuses: a value's own text is needed where a column of
strings meets a number or an object, and single quotes, comments and the like may be allowed.
"""

import re
from dataclasses import dataclass
from typing import Any

__all__ = ["JsonFeatures", "JsonSyntaxError", "Node", "parse_json"]

DEPTH_MAX = 1000
"""Jackson's own limit."""
NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
NUMBER_WITH_ZEROS = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?")
SPECIAL_NUMBER = re.compile(r"NaN|[+-]?(?:Infinity|INF)\b")
UNQUOTED_NAME = re.compile(r"[A-Za-z_$@#*][\w$@#*-]*")
SPACE = re.compile(r"[ \t\r\n]*")
COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)
FOUR_DIGITS = re.compile("[0-9a-fA-F]{4}")
PLAIN = {"'": re.compile(r"[^'\\\x00-\x1f]*"), '"': re.compile(r'[^"\\\x00-\x1f]*')}
ESCAPES = {'"': '"', "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}


class JsonSyntaxError(ValueError):
    """The text is not JSON under these features."""


@dataclass(frozen=True)
class JsonFeatures:
    """Jackson's parser features, with Spark's defaults."""

    comments: bool = False
    unquoted_names: bool = False
    single_quotes: bool = True
    leading_zeros: bool = False
    backslash_any: bool = False
    control_characters: bool = False
    non_numeric: bool = True


@dataclass(slots=True)
class Node:
    """One value. `kind` is object, array, string, integer, float, special, boolean or null."""

    kind: str
    value: Any
    start: int
    end: int


def parse_json(text: str, features: JsonFeatures) -> Node | None:
    """The first value of a text, whatever follows it; None if there is only white space."""
    parser = _Parser(text, features)
    parser.skip_space()
    try:
        return None if parser.position >= len(text) else parser.value(0)
    except RecursionError:
        raise JsonSyntaxError("nested too deeply") from None


class _Parser:
    def __init__(self, text: str, features: JsonFeatures) -> None:
        self.text = text
        self.position = 0
        self._features = features

    def skip_space(self) -> None:
        self.position = SPACE.match(self.text, self.position).end()  # type: ignore[union-attr]
        while self._features.comments and (match := COMMENT.match(self.text, self.position)):
            self.position = SPACE.match(self.text, match.end()).end()  # type: ignore[union-attr]

    def value(self, depth: int) -> Node:
        if depth > DEPTH_MAX:
            raise JsonSyntaxError("nested too deeply")
        start, character = self.position, self.text[self.position : self.position + 1]
        if character == "{":
            return self._finish("object", self._members(depth), start)
        if character == "[":
            return self._finish("array", self._elements(depth), start)
        if self._quote(character):
            return self._finish("string", self._string(character), start)
        for literal, kind, value in (
            ("true", "boolean", True),
            ("false", "boolean", False),
            ("null", "null", None),
        ):
            if self.text.startswith(literal, start):
                self.position += len(literal)
                return self._finish(kind, value, start)
        return self._number(start)

    def _finish(self, kind: str, value: Any, start: int) -> Node:
        return Node(kind, value, start, self.position)

    def _quote(self, character: str) -> bool:
        return character == '"' or (character == "'" and self._features.single_quotes)

    def _members(self, depth: int) -> dict[str, Node]:
        members: dict[str, Node] = {}
        self.position += 1
        self.skip_space()
        if self._take("}"):
            return members
        while True:
            name = self._name()
            self._expect(":")
            self.skip_space()
            members[name] = self.value(depth + 1)
            self.skip_space()
            if self._take("}"):
                return members
            self._expect(",")
            self.skip_space()

    def _elements(self, depth: int) -> list[Node]:
        elements: list[Node] = []
        self.position += 1
        self.skip_space()
        if self._take("]"):
            return elements
        while True:
            self.skip_space()
            elements.append(self.value(depth + 1))
            self.skip_space()
            if self._take("]"):
                return elements
            self._expect(",")

    def _name(self) -> str:
        character = self.text[self.position : self.position + 1]
        if self._quote(character):
            return self._string(character)
        match = UNQUOTED_NAME.match(self.text, self.position) if self._features.unquoted_names else None
        if match is None:
            raise JsonSyntaxError("a name was expected")
        self.position = match.end()
        return match[0]

    def _string(self, quote: str) -> str:
        self.position += 1
        parts = []
        while True:
            match = PLAIN[quote].match(self.text, self.position)
            parts.append(match[0])  # type: ignore[index]
            self.position = match.end()  # type: ignore[union-attr]
            character = self.text[self.position : self.position + 1]
            self.position += 1
            if character == quote:
                return "".join(parts)
            parts.append(self._escaped() if character == "\\" else self._control(character))

    def _control(self, character: str) -> str:
        if not character or not self._features.control_characters:
            raise JsonSyntaxError("a control character, or the end, inside a string")
        return character

    def _escaped(self) -> str:
        character = self.text[self.position : self.position + 1]
        self.position += 1
        if character == "u":
            return self._code_point()
        if character in ESCAPES:
            return ESCAPES[character]
        if character and (
            self._features.backslash_any or (character == "'" and self._features.single_quotes)
        ):
            return character
        raise JsonSyntaxError("an unknown escape")

    def _code_point(self) -> str:
        high = self._four_digits()
        if 0xD800 <= high < 0xDC00 and self.text.startswith("\\u", self.position):
            position = self.position
            self.position += 2
            low = self._four_digits()
            if 0xDC00 <= low < 0xE000:
                return chr(0x10000 + (high - 0xD800) * 0x400 + low - 0xDC00)
            self.position = position
        return chr(high) if not 0xD800 <= high < 0xE000 else "\ufffd"

    def _four_digits(self) -> int:
        match = FOUR_DIGITS.match(self.text, self.position)
        if match is None:
            raise JsonSyntaxError("an incomplete unicode escape")
        self.position = match.end()
        return int(match[0], 16)

    def _number(self, start: int) -> Node:
        if self._features.non_numeric and (special := SPECIAL_NUMBER.match(self.text, start)):
            self.position = special.end()
            return self._finish("special", special[0], start)
        pattern = NUMBER_WITH_ZEROS if self._features.leading_zeros else NUMBER
        match = pattern.match(self.text, start)
        if match is None or re.match(r"[\w.+]", self.text[match.end() : match.end() + 1]):
            raise JsonSyntaxError("a value was expected")
        self.position = match.end()
        return self._finish("float" if match[1] or match[2] else "integer", match[0], start)

    def _take(self, character: str) -> bool:
        if self.text.startswith(character, self.position):
            self.position += 1
            return True
        return False

    def _expect(self, character: str) -> None:
        self.skip_space()
        if not self._take(character):
            raise JsonSyntaxError(f"{character} was expected")
