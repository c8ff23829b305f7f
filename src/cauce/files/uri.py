"""From the paths and URIs users write to a file system and an absolute path, and back."""

import os
import re
from urllib.parse import quote, unquote_to_bytes

from cauce.errors import AnalysisException, IllegalArgumentException
from cauce.files.file_system import FileSystem
from cauce.files.object_uri import OBJECT_SCHEMES, is_local, object_path
from cauce.files.routed_file_system import RoutedFileSystem

__all__ = ["open_file_system", "path_of_uri", "uri_of_path"]

# What java.net.URI quotes in a path: it leaves letters of other scripts as they are.
URI_QUOTED = re.compile(r"[^\w.~/!$&'()*+,;=:@-]|[\udc80-\udcff]")


def open_file_system(uri: str) -> tuple[FileSystem, str]:
    """The file system a user's path or URI lives on, and its absolute path there.

    Like Hadoop's Path, it takes `%20` and friends literally. Each call gives a file system of its
    own, so that one query's failed disk does not stop another's.
    """
    if not uri:
        raise IllegalArgumentException(None, "Can not create a Path from an empty string")
    scheme, rest = _split_scheme(uri)
    return RoutedFileSystem(), _absolute_path(uri, scheme, rest)


def _absolute_path(uri: str, scheme: str | None, rest: str) -> str:
    if scheme is None:
        return os.path.abspath(rest)
    if scheme in OBJECT_SCHEMES:
        return object_path(uri)
    if scheme.lower() != "file":
        hint = "cauce reads and writes local paths (a plain path or file:/path) and s3a://bucket/path."
        raise AnalysisException(None, f'No FileSystem for scheme "{scheme}": {uri}. {hint}')
    return _local_path(uri, rest)


def _split_scheme(uri: str) -> tuple[str | None, str]:
    """A colon before the first slash ends a scheme."""
    match = re.match(r"([^/:]*):(.*)", uri, re.DOTALL)
    if match is None:
        return None, uri
    return match[1], match[2]


def _local_path(uri: str, rest: str) -> str:
    """The path after `file:`, which has no host."""
    if rest.startswith("//"):
        host, slash, path = rest[2:].partition("/")
        if host not in ("", "localhost") or not slash:
            raise IllegalArgumentException(None, f"Wrong FS: {uri}, expected: file:///")
        rest = "/" + path.lstrip("/")
    if not rest.startswith("/"):
        problem = f"java.net.URISyntaxException: Relative path in absolute URI: {uri}"
        raise IllegalArgumentException(None, problem)
    return os.path.abspath(rest)


def uri_of_path(path: str) -> str:
    """`/a b` as `file:///a%20b`, the way Spark's logs spell a path."""
    scheme, rest = ("file://", path) if is_local(path) else ("", path)
    return scheme + URI_QUOTED.sub(lambda found: quote(os.fsencode(found[0]), safe=""), rest)


def path_of_uri(uri: str) -> str:
    """The path of a URI found in a log: percent-encoded, unlike what users write."""
    scheme, rest = _split_scheme(uri)
    if scheme in OBJECT_SCHEMES:
        return os.fsdecode(unquote_to_bytes(uri))
    if scheme not in (None, "file"):
        raise AnalysisException(None, f'No FileSystem for scheme "{scheme}": {uri}')
    return os.fsdecode(unquote_to_bytes(rest if scheme is None else _local_path(uri, rest)))
