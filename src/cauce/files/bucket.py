"""One bucket of an object store: the requests cauce makes, and what their failures are called.

An object appears whole or not at all, and `create` never replaces one: the store itself refuses
(`If-None-Match: *`). Each creation carries a mark of its own, so that after a lost answer reading the
mark back tells whether it was this request or somebody else's that went through.
"""

import asyncio
import functools
import time
import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from cauce.errors import SparkError
from cauce.files.object_settings import StoreSettings

__all__ = ["Bucket", "ObjectStatus", "open_bucket"]

WRITER = "cauce-writer"
"""The name of the mark among an object's metadata."""
CREATE_ATTEMPTS_MAX = 5
AT_ONCE_MAX = 32
"""Requests under way at the same time."""
PART_BYTES = 16 << 20
"""Larger objects go in parts, if nothing hangs on who came first."""
UNAVAILABLE = "CAUCE_OBJECT_STORAGE.UNAVAILABLE"


@dataclass(frozen=True)
class ObjectStatus:
    """One object."""

    key: str
    size_bytes: int
    modified_ms: int
    etag: str


@functools.lru_cache(maxsize=64)
def open_bucket(name: str, settings: StoreSettings) -> "Bucket":
    """The bucket of that name. Clients keep connections open, so equal ones are shared."""
    try:
        # Imported here because it is an optional dependency.
        from obstore.store import S3Store
    except ImportError:
        raise SparkError("CAUCE_OBJECT_STORAGE.NO_CLIENT", bucket=name) from None
    given: dict[str, Any] = {}
    if settings.credentials is not None:
        access, secret, token = settings.credentials
        given["credential_provider"] = lambda: {
            "access_key_id": access,
            "secret_access_key": secret,
            "token": token,
            "expires_at": None,
        }
    with _named(name, "the settings"):
        store = S3Store(
            name,
            config=settings.config,  # pyright: ignore[reportArgumentType] - made by key
            client_options=settings.client,  # pyright: ignore[reportArgumentType]
            retry_config=settings.retries,  # pyright: ignore[reportArgumentType]
            **given,
        )
    return Bucket(name, store, backoff_s=settings.backoff_ms / 1000)


class Bucket:
    """Keys have no leading slash. Absent objects are FileNotFoundError, everything else a SparkError."""

    def __init__(self, name: str, store: Any, *, backoff_s: float) -> None:
        self.name = name
        self._store = store
        self._backoff_s = backoff_s

    # Reading

    def get(self, key: str) -> bytes:
        return self.get_with_status(key)[0]

    def get_with_status(self, key: str) -> tuple[bytes, ObjectStatus]:
        with _named(self.name, key):
            found = self._store.get(key)
            return bytes(found.bytes()), _status(found.meta)

    def head(self, key: str) -> ObjectStatus:
        with _named(self.name, key):
            return _status(self._store.head(key))

    def heads(self, keys: Sequence[str]) -> list[ObjectStatus | None]:
        """The objects of these keys, asked for at the same time; None for those that are not there."""

        async def one(key: str) -> ObjectStatus | None:
            try:
                return _status(await self._store.head_async(key))
            except FileNotFoundError:
                return None

        with _named(self.name, ", ".join(keys[:3])):
            return asyncio.run(_at_once([one(key) for key in keys]))

    def gets(self, keys: Sequence[str]) -> list[tuple[bytes, ObjectStatus]]:
        """Whole objects, read at the same time."""

        async def one(key: str) -> tuple[bytes, ObjectStatus]:
            found = await self._store.get_async(key)
            return bytes(await found.bytes_async()), _status(found.meta)

        with _named(self.name, ", ".join(keys[:3])):
            return asyncio.run(_at_once([one(key) for key in keys]))

    def below(self, prefix: str) -> Iterator[ObjectStatus]:
        """Every object whose key continues `prefix/`."""
        with _named(self.name, prefix):
            for page in self._store.list(prefix or None):
                yield from (_status(found) for found in page)

    def folder(self, prefix: str) -> tuple[list[str], list[ObjectStatus]]:
        """The keys of folders, and the objects, directly below `prefix/`."""
        with _named(self.name, prefix):
            found = self._store.list_with_delimiter(prefix or None)
        return list(found["common_prefixes"]), [_status(each) for each in found["objects"]]

    # Changing

    def create(self, key: str, data: bytes) -> str:
        """The new object's etag; FileExistsError if there is one already, whoever put it there."""
        writer = uuid.uuid4().hex
        for attempt in range(CREATE_ATTEMPTS_MAX):
            try:
                return self._put_marked(key, data, "create", writer)
            except FileExistsError:
                found, etag = self._mark(key)
                if found == writer:
                    return etag  # An earlier request of this loop had gone through, its answer was lost.
                if found is not None:
                    raise
            except SparkError as error:
                if error.condition != UNAVAILABLE:
                    raise
                found, etag = self._mark(key)
                if found == writer:
                    return etag
                if attempt == CREATE_ATTEMPTS_MAX - 1:
                    raise
            time.sleep(self._backoff_s * 2**attempt)
        raise FileExistsError(f"{self.name}/{key}")

    def put(self, key: str, data: Any) -> None:
        """Create an object or put another in its place; `data` is bytes or a file."""
        with _named(self.name, key):
            self._store.put(key, data, chunk_size=PART_BYTES)

    def replace(self, key: str, data: bytes, etag: str) -> str | None:
        """Put another object in the place of the one with this etag; its own, or None if that one is gone."""
        writer = uuid.uuid4().hex
        try:
            return self._put_marked(key, data, {"e_tag": etag}, writer)
        except (FileExistsError, FileNotFoundError):
            found, new_etag = self._mark(key)
            return new_etag if found == writer else None
        except SparkError:
            found, new_etag = self._mark(key)
            if found != writer:
                raise
            return new_etag

    def delete(self, keys: Iterable[str]) -> None:
        """Remove objects, as far as they are there."""
        gone = list(keys)
        if gone:
            with _named(self.name, gone[0]):
                self._store.delete(gone)

    def copy(self, source: str, target: str) -> None:
        with _named(self.name, source):
            self._store.copy(source, target)

    def _put_marked(self, key: str, data: bytes, mode: Any, writer: str) -> str:
        with _named(self.name, key):
            put = self._store.put(key, data, mode=mode, attributes={WRITER: writer}, use_multipart=False)
        return put["e_tag"]

    def _mark(self, key: str) -> tuple[str | None, str]:
        """Who put an object (empty: another program; None: it is not there), and its etag."""
        try:
            with _named(self.name, key):
                found = self._store.get(key, options={"head": True})
        except FileNotFoundError:
            return None, ""
        return found.attributes.get(WRITER, ""), found.meta["e_tag"]


async def _at_once(requests: Sequence[Any]) -> list[Any]:
    room = asyncio.Semaphore(AT_ONCE_MAX)

    async def one(request: Any) -> Any:
        async with room:
            return await request

    return await asyncio.gather(*(one(request) for request in requests))


def _status(found: Any) -> ObjectStatus:
    modified_ms = int(found["last_modified"].timestamp() * 1000)
    return ObjectStatus(found["path"], found["size"], modified_ms, found.get("e_tag") or "")


@contextmanager
def _named(bucket: str, key: str) -> Iterator[None]:
    """The client's errors in words that name the bucket, the object and the next step."""
    from obstore import exceptions

    try:
        yield
    except (exceptions.AlreadyExistsError, exceptions.PreconditionError):
        raise FileExistsError(f"{bucket}/{key}") from None
    except FileNotFoundError as error:
        _refuse_missing_bucket(bucket, error)
        raise FileNotFoundError(f"{bucket}/{key}") from None
    except (exceptions.PermissionDeniedError, exceptions.UnauthenticatedError) as error:
        raise SparkError(
            "CAUCE_OBJECT_STORAGE.ACCESS_DENIED", bucket=bucket, object=key, reason=_reason(error)
        ) from None
    except (exceptions.BaseError, ValueError) as error:
        _refuse_missing_bucket(bucket, error)
        kind = "NO_CREDENTIALS" if "169.254." in str(error) else "UNAVAILABLE"
        raise SparkError(
            f"CAUCE_OBJECT_STORAGE.{kind}", bucket=bucket, object=key, reason=_reason(error)
        ) from None


def _refuse_missing_bucket(bucket: str, error: BaseException) -> None:
    if "NoSuchBucket" in str(error):
        raise SparkError("CAUCE_OBJECT_STORAGE.NO_SUCH_BUCKET", bucket=bucket) from None


def _reason(error: BaseException) -> str:
    """The client's words up to its notes for debugging."""
    text = str(error).split("\n\nDebug source")[0].strip()
    return " ".join(text.split())[:500]
