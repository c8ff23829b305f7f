"""Objects as files of this machine's disk, for whoever can only read those: Arrow's readers and the engine.

A copy is kept as long as the object is the same (its etag) and there is room. Data files are never changed
once they are written, so asking for a file again costs one small request.
"""

import atexit
import hashlib
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from cauce.files.bucket import Bucket
from cauce.files.object_file_system import ObjectFileSystem
from cauce.files.object_uri import is_local, split_object_path

__all__ = ["local_copies", "local_copy"]

KEPT_BYTES_MAX = 8 << 30
BROUGHT_AT_ONCE_MAX = 16
"""Whole objects in memory on their way to the disk."""
KEPT_S_MIN = 600.0
"""Even without room a copy stays this long after it was asked for: a plan that names it may still run."""


def local_copy(path: str) -> str:
    """Where the file can be read: local paths as they are, objects as copies. FileNotFoundError."""
    return path if is_local(path) else local_copies([path])[0]


def local_copies(paths: Sequence[str]) -> list[str]:
    """The same for many, which are brought at the same time."""
    objects = list(dict.fromkeys(path for path in paths if not is_local(path)))
    found = dict(zip(objects, _copies.bring(objects), strict=True)) if objects else {}
    return [found.get(path, path) for path in paths]


@dataclass
class _Copy:
    local: str
    etag: str
    size_bytes: int
    asked_s: float


@dataclass
class _Copies:
    """The copies of this process, in one folder that goes with it."""

    folder: str = ""
    kept: dict[str, _Copy] = field(default_factory=dict)
    """By path: the copy of the object that was there last."""
    guard: threading.Lock = field(default_factory=threading.Lock)

    def bring(self, paths: Sequence[str]) -> list[str]:
        files = ObjectFileSystem()
        by_bucket: dict[str, list[str]] = {}
        for path in paths:
            by_bucket.setdefault(split_object_path(path)[0], []).append(path)
        found: dict[str, str] = {}
        for members in by_bucket.values():
            found |= self._bring(files, members)
        self._make_room()
        return [found[path] for path in paths]

    def _bring(self, files: ObjectFileSystem, paths: Sequence[str]) -> dict[str, str]:
        bucket = files.bucket_of(paths[0])[0]
        found = self._unchanged(bucket, paths)
        missing = [path for path in paths if path not in found]
        for start in range(0, len(missing), BROUGHT_AT_ONCE_MAX):
            part = missing[start : start + BROUGHT_AT_ONCE_MAX]
            objects = bucket.gets([split_object_path(path)[1] for path in part])
            for path, (data, status) in zip(part, objects, strict=True):
                found[path] = self._keep(path, status.etag, data)
        return found

    def _unchanged(self, bucket: Bucket, paths: Sequence[str]) -> dict[str, str]:
        """The copies that still are what is in the store."""
        with self.guard:
            copies = {path: self.kept[path] for path in paths if path in self.kept}
        heads = bucket.heads([split_object_path(path)[1] for path in copies]) if copies else []
        found = {}
        for (path, copy), head in zip(copies.items(), heads, strict=True):
            if head is not None and head.etag == copy.etag:
                copy.asked_s = time.monotonic()
                found[path] = copy.local
        return found

    def _keep(self, path: str, etag: str, data: bytes) -> str:
        """Written under another name first: two threads may bring the same object."""
        name = hashlib.blake2b(f"{path}\0{etag}".encode(), digest_size=16).hexdigest()
        with self.guard:
            if not self.folder:
                self.folder = tempfile.mkdtemp(prefix="cauce-objects-")
                atexit.register(shutil.rmtree, self.folder, ignore_errors=True)
            # The object's own name stays at the end: its extension says how it is compressed.
            os.makedirs(f"{self.folder}/{name}", exist_ok=True)
        local = f"{self.folder}/{name}/{os.path.basename(path)}"
        with tempfile.NamedTemporaryFile(dir=self.folder, delete=False) as file:
            file.write(data)
        os.replace(file.name, local)
        with self.guard:
            self.kept[path] = _Copy(local, etag, len(data), time.monotonic())
        return local

    def _make_room(self) -> None:
        """Drop what was not asked for lately, the oldest first, while there is too much."""
        with self.guard:
            total = sum(copy.size_bytes for copy in self.kept.values())
            if total <= KEPT_BYTES_MAX:
                return
            newest_s = time.monotonic() - KEPT_S_MIN
            for path, copy in sorted(self.kept.items(), key=lambda item: item[1].asked_s):
                if total <= KEPT_BYTES_MAX or copy.asked_s > newest_s:
                    return
                os.unlink(copy.local)
                total -= copy.size_bytes
                del self.kept[path]


_copies = _Copies()
