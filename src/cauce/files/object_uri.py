"""Paths in object stores: `s3a://bucket/key`, kept as the user's scheme spells it."""

import posixpath
import re

from cauce.errors import IllegalArgumentException

__all__ = ["OBJECT_SCHEMES", "is_local", "object_path", "shown_path", "split_object_path"]

OBJECT_SCHEMES = ("s3", "s3a")
OBJECT_PATH = re.compile(r"(s3a?)://([^/]+)(?:/(.*))?", re.DOTALL)


def is_local(path: str) -> bool:
    """Whether an absolute path is on a disk of this machine; the others begin with their scheme."""
    return path.startswith("/")


def shown_path(path: str) -> str:
    """A path as Spark's messages spell it: `file:/in`, `s3a://bucket/in`."""
    return f"file:{path}" if is_local(path) else path


def object_path(uri: str) -> str:
    """The path that a user's URI means, in the form that is compared and logged."""
    match = OBJECT_PATH.fullmatch(uri)
    if match is None:
        raise IllegalArgumentException(None, f"{uri} names no bucket: expected s3a://bucket/folder")
    scheme, bucket, key = match[1], match[2], match[3] or ""
    key = posixpath.normpath(f"/{key}").strip("/")
    return f"{scheme}://{bucket}/{key}" if key else f"{scheme}://{bucket}"


def split_object_path(path: str) -> tuple[str, str]:
    """Bucket and key."""
    match = OBJECT_PATH.fullmatch(path)
    assert match is not None, f"{path} is not in an object store"
    return match[2], (match[3] or "").strip("/")
