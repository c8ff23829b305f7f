"""Hadoop's glob patterns on a folder tree: `*`, `?`, `[a-z]`, `[^a]`, `{a,b}` and backslash."""

import os
import re

from cauce.files import FileSystem, is_local

__all__ = ["expand_glob", "is_glob", "matches_glob"]

GLOB_CHARACTERS = frozenset("{}[]*?\\")


def is_glob(path: str) -> bool:
    """Whether the path is a pattern rather than a name."""
    return not GLOB_CHARACTERS.isdisjoint(path)


def matches_glob(name: str, pattern: str) -> bool:
    """Whether one name, without slashes, matches."""
    return re.fullmatch(_to_regex(pattern), name, re.DOTALL) is not None


def expand_glob(file_system: FileSystem, pattern: str) -> list[str]:
    """The paths that match an absolute pattern, sorted; none if nothing does."""
    root, parts = "/", _split(pattern)
    if not is_local(pattern):
        root, parts = "//".join((parts[0], parts[2])), parts[3:]  # s3a:, nothing, the bucket, the rest.
    paths = [root]
    for part in filter(None, parts):
        paths = [match for path in paths for match in _step(file_system, path, part)]
    return paths


def _step(file_system: FileSystem, folder: str, part: str) -> list[str]:
    if not is_glob(part):
        path = os.path.join(folder, part)
        return [path] if file_system.exists(path) else []
    return [
        entry.path for entry in file_system.list(folder) if matches_glob(os.path.basename(entry.path), part)
    ]


def _split(pattern: str) -> list[str]:
    """Parts between slashes; a slash inside braces belongs to its part and is expanded first."""
    parts, depth, part = [], 0, ""
    for character in pattern:
        depth += (character == "{") - (character == "}")
        if character == "/" and depth == 0:
            parts.append(part)
            part = ""
        else:
            part += character
    return [*parts, part]


def _to_regex(pattern: str) -> str:
    regex, depth, i = "", 0, 0
    while i < len(pattern):
        character = pattern[i]
        if character == "[" and (end := pattern.find("]", i + 2)) > 0:
            body = pattern[i + 1 : end]
            negated = body[0] in "^!"
            regex += f"[{'^' * negated}{re.escape(body[negated:]).replace(re.escape('-'), '-')}]"
            i = end
        elif character == "\\" and i + 1 < len(pattern):
            i += 1
            regex += re.escape(pattern[i])
        elif character in "{}":
            depth += 1 if character == "{" else -1
            regex += "(?:" if character == "{" else ")"
        else:
            simple = {"*": ".*", "?": ".", ",": "|" if depth else ","}
            regex += simple.get(character, re.escape(character))
        i += 1
    return regex
