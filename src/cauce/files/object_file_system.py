"""An object store as a FileSystem: whole objects, folders that are only names, no renaming."""

import posixpath
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from cauce.files.bucket import Bucket, ObjectStatus, open_bucket
from cauce.files.file_system import FileStatus
from cauce.files.lease import Lease
from cauce.files.object_file import ObjectFile
from cauce.files.object_settings import current_settings, settings_of
from cauce.files.object_uri import split_object_path

__all__ = ["ObjectFileSystem"]


class ObjectFileSystem:
    """Every change is durable when its call returns, and visible to everybody.

    What a disk does in one step and an object store cannot is not pretended: `rename` and `link` copy.
    Nothing that decides about a batch depends on them. The settings are those of whoever opened it.
    """

    def __init__(self) -> None:
        self._settings = current_settings()

    # Reading

    def read_bytes(self, path: str) -> bytes:
        bucket, key = self.bucket_of(path)
        return bucket.get(key)

    def exists(self, path: str) -> bool:
        bucket, key = self.bucket_of(path)
        return self._object(bucket, key) is not None or self._is_folder(bucket, key)

    def status(self, path: str) -> FileStatus:
        bucket, key = self.bucket_of(path)
        found = self._object(bucket, key)
        if found is not None:
            return _file(path, found)
        if not self._is_folder(bucket, key):
            raise FileNotFoundError(path)
        return _folder(path)

    def statuses(self, paths: Sequence[str]) -> list[FileStatus | None]:
        found: dict[str, FileStatus | None] = dict.fromkeys(paths)
        by_bucket: dict[str, list[str]] = {}
        for path in found:
            by_bucket.setdefault(split_object_path(path)[0], []).append(path)
        for members in by_bucket.values():
            bucket = self.bucket_of(members[0])[0]
            heads = bucket.heads([split_object_path(path)[1] for path in members])
            for path, head in zip(members, heads, strict=True):
                found[path] = None if head is None else _file(path, head)
        return [found[path] for path in paths]

    def names(self, path: str) -> list[str]:
        bucket, key = self.bucket_of(path)
        folders, objects = bucket.folder(key)
        return [posixpath.basename(each) for each in (*folders, *(o.key for o in objects))]

    def list(self, path: str, *, recursive: bool = False) -> list[FileStatus]:
        bucket, key = self.bucket_of(path)
        base = path.rstrip("/")
        if recursive:
            objects = list(bucket.below(key))
            folders = _parents({each.key for each in objects}, key)
        else:
            found, objects = bucket.folder(key)
            folders = set(found)
        statuses = [_file(_below(base, key, each.key), each) for each in objects]
        statuses += [_folder(_below(base, key, each)) for each in folders]
        return sorted(statuses, key=lambda entry: entry.path)

    # Changing

    def make_dirs(self, path: str, *, private: bool = False) -> None:
        """Folders are names only; who may read them is the bucket's business."""

    def delete(self, path: str) -> None:
        bucket, key = self.bucket_of(path)
        bucket.delete([key])

    def delete_tree(self, path: str) -> None:
        bucket, key = self.bucket_of(path)
        bucket.delete([*(each.key for each in bucket.below(key)), *([key] if key else [])])

    def rename(self, source: str, target: str) -> None:
        """Copies, then deletions, of an object or of all in a folder: a crash in between leaves both."""
        bucket, key = self.bucket_of(source)
        if self._object(bucket, key) is not None:
            self.link(source, target)
            self.delete(source)
            return
        for each in self.list(source, recursive=True):
            if not each.is_dir:
                self.link(each.path, target + each.path.removeprefix(source))
        self.delete_tree(source)

    def link(self, source: str, target: str) -> None:
        """A copy."""
        (bucket, key), (target_bucket, target_key) = self.bucket_of(source), self.bucket_of(target)
        if bucket is target_bucket:
            bucket.copy(key, target_key)
        else:
            target_bucket.put(target_key, bucket.get(key))

    def write_durable(self, path: str, data: bytes, *, overwrite: bool = False) -> None:
        bucket, key = self.bucket_of(path)
        if overwrite:
            bucket.put(key, data)
        else:
            bucket.create(key, data)

    def write_unsynced(self, path: str, data: bytes) -> None:
        self.write_durable(path, data)

    @contextmanager
    def create_durable(self, path: str, *, sync_folder: bool = True) -> Iterator[ObjectFile]:
        """Up to 32 MiB an object that is there already is refused; a larger one goes in parts, and replaces.

        Whoever writes that much gives it a name that nobody else uses.
        """
        bucket, key = self.bucket_of(path)
        file = ObjectFile()
        try:
            yield file
            content = file.content()
            if isinstance(content, bytes):
                bucket.create(key, content)
            else:
                bucket.put(key, content)
        finally:
            file.finish()

    def sync_folder(self, path: str) -> None:
        """An object is durable when its request is answered."""

    def lock(self, path: str, holder: str) -> Lease:
        bucket, key = self.bucket_of(path)
        return Lease(bucket, key, holder)

    # Shared steps

    def bucket_of(self, path: str) -> tuple[Bucket, str]:
        name, key = split_object_path(path)
        return open_bucket(name, settings_of(name, self._settings)), key

    def _object(self, bucket: Bucket, key: str) -> ObjectStatus | None:
        try:
            return bucket.head(key) if key else None
        except FileNotFoundError:
            return None

    def _is_folder(self, bucket: Bucket, key: str) -> bool:
        if not key:
            bucket.folder("")  # A bucket that is there is a folder, even an empty one.
            return True
        folders, objects = bucket.folder(key)
        return bool(folders or objects)


def _below(base: str, prefix: str, key: str) -> str:
    return f"{base}/{key.removeprefix(prefix).lstrip('/')}"


def _file(path: str, found: ObjectStatus) -> FileStatus:
    return FileStatus(path, found.size_bytes, found.modified_ms, False)


def _folder(path: str) -> FileStatus:
    # A folder has no time of its own. Now is the one that nobody takes for "unchanged since".
    return FileStatus(path, 0, time.time_ns() // 1_000_000, True)


def _parents(keys: set[str], prefix: str) -> set[str]:
    """The folders that these objects are in, below the prefix."""
    found: set[str] = set()
    for key in keys:
        parent = posixpath.dirname(key)
        while len(parent) > len(prefix) and parent not in found:
            found.add(parent)
            parent = posixpath.dirname(parent)
    return found
