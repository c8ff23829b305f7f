"""Which tables a SQL text reads, told in microseconds: most SQL reads no stream and goes to the engine as is.

A scan over tokens, not a parser: it never raises, and where the text is ambiguous it names too much
rather than too little (a CTE's own name is among the answers).
"""

import re
from collections.abc import Iterator

__all__ = ["identifier_parts", "normalized_name", "reads_stream_keyword", "referenced_tables"]

TOKEN = re.compile(
    r"""
    --[^\n]* | /\*.*?\*/                              # comments
  | (?:r?'(?:[^'\\]|\\.)*') | (?:r?"(?:[^"\\]|\\.)*") # strings
  | (?P<name>(?:`(?:[^`]|``)*`|[^\W\d][\w$]*|(?<=\.)\w+)(?:\s*\.\s*(?:`(?:[^`]|``)*`|\w+))*)
  | (?P<mark>[(),])
  """,
    re.VERBOSE | re.DOTALL | re.IGNORECASE,
)
PART = re.compile(r"`((?:[^`]|``)*)`|([^.`\s]+)")

STREAM = re.compile(r"(?:\bfrom|\bjoin|,)\s+stream\s*[(\s]\s*[`\w]", re.IGNORECASE)

# A table may follow any of these words; LATERAL, STREAM and the like may stand between.
OPENERS = frozenset({"from", "join", "table"})
BETWEEN = frozenset({"lateral", "stream", "only"})
# After a table, these words end the list in which a comma introduces one more table.
CLOSERS = frozenset(
    (
        "select",
        "where",
        "group",
        "having",
        "order",
        "sort",
        "cluster",
        "distribute",
        "limit",
        "offset",
        "union",
        "intersect",
        "except",
        "minus",
        "window",
        "qualify",
        "pivot",
        "unpivot",
        "values",
        "set",
    )
)


def referenced_tables(sql: str) -> set[str]:
    """Normalized names of every table or view the text may read."""
    return set(_tables(sql))


def reads_stream_keyword(sql: str) -> bool:
    """Whether the text may read a table as a stream: `FROM STREAM t`, `JOIN STREAM(t)`."""
    return STREAM.search(sql) is not None


def normalized_name(identifier: str) -> str:
    """An identifier as the catalog compares it: lower case, without quotes."""
    if "`" not in identifier:
        return identifier.lower()
    return ".".join(identifier_parts(identifier)).lower()


def identifier_parts(identifier: str) -> list[str]:
    """The parts of a dotted identifier, back quotes removed: "`a.b`.c" -> ["a.b", "c"]."""
    return [quoted.replace("``", "`") if bare == "" else bare for quoted, bare in PART.findall(identifier)]


def _tables(sql: str) -> Iterator[str]:
    expecting, listing = (
        [False],
        [False],
    )  # by depth of parentheses: a table comes next; a comma brings one more
    for token in TOKEN.finditer(sql):
        mark, name = token.group("mark"), token.group("name")
        if mark == "(":
            expecting.append(expecting[-1])
            listing.append(expecting[-1])
            expecting[-2] = False
        elif mark == ")":
            if len(expecting) > 1:
                expecting.pop()
                listing.pop()
        elif mark == ",":
            expecting[-1] = listing[-1]
        elif name:
            word = name.lower()
            if word in OPENERS:
                expecting[-1] = listing[-1] = True
            elif word in CLOSERS:
                expecting[-1] = listing[-1] = False
            elif expecting[-1] and word not in BETWEEN:
                expecting[-1] = False
                yield normalized_name(re.sub(r"\s*\.\s*", ".", name))
