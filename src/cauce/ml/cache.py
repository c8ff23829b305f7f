"""The fitted models of one session by the client's ids: in memory up to a bound, beyond it on disk."""

import copy
import shutil
import tempfile
import threading
import uuid
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cauce.conf import Conf, parse_bytes
from cauce.errors import SparkError
from cauce.files import LocalFileSystem
from cauce.ml.persistence import load_model, save_model
from cauce.ml.stage import Model

__all__ = ["ModelCache", "with_params"]

MEMORY_CONTROL = "spark.connect.session.connectML.mlCache.memoryControl"


@dataclass
class _Entry:
    """One object; `value` is None while a model is on disk. Its summary stays in memory."""

    value: Any
    class_name: str
    size_bytes: int = 0
    summary: Any = None


class ModelCache:
    """Thread-safe. The least recently used models go to disk first; objects that are no models stay."""

    def __init__(self, conf: Callable[[], Conf]) -> None:
        """`conf` tells the session's settings as they are when asked."""
        self._conf = conf
        self._lock = threading.RLock()
        self._entries: OrderedDict[str, _Entry] = OrderedDict()
        self._folder: Path | None = None

    def register(self, value: Any) -> str:
        """The id under which the client will ask for a model or a summary."""
        key = str(uuid.uuid4())
        entry = _Entry(value, getattr(value, "class_name", type(value).__name__))
        if isinstance(value, Model):
            entry.size_bytes = value.size_bytes
            entry.summary = value.summary
            self._check_size(entry.size_bytes)
        with self._lock:
            self._entries[key] = entry
            self._offload_surplus()
        return key

    def get(self, key: str) -> Any:
        """The object, read back from disk if it went there."""
        with self._lock:
            entry = self._entries.get(key)
            if entry is None:
                timeout = self._conf().get(f"{MEMORY_CONTROL}.offloadingTimeout")
                raise SparkError(
                    "CONNECT_ML.CACHE_INVALID",
                    objectName=key,
                    evictTimeoutInMinutes=timeout.removesuffix("m"),
                )
            self._entries.move_to_end(key)
            if entry.value is None:
                entry.value = self._read_back(key, entry)
                self._offload_surplus()
            return entry.value

    def remove(self, key: str) -> bool:
        """Whether there was such an object."""
        with self._lock:
            entry = self._entries.pop(key, None)
            if self._folder is not None:
                shutil.rmtree(self._folder / key, ignore_errors=True)
            return entry is not None

    def evict(self, key: str) -> bool:
        """Move a model to disk at once; it comes back when it is asked for."""
        with self._lock:
            entry = self._entries.get(key)
            if entry is None:
                return False
            if isinstance(entry.value, Model):
                self._offload(key, entry)
            return True

    def clear(self) -> int:
        """Forget everything; how much there was."""
        with self._lock:
            count = len(self._entries)
            self._entries.clear()
            if self._folder is not None:
                shutil.rmtree(self._folder, ignore_errors=True)
                self._folder = None
            return count

    def info(self) -> list[str]:
        """One line per object, as Spark words it."""
        with self._lock:
            return [
                f"id: {key}, obj: class {entry.class_name}, size: {entry.size_bytes}"
                for key, entry in self._entries.items()
            ]

    def size_bytes(self, key: str) -> int:
        """What a model holds in memory, about."""
        self.get(key)
        return self._entries[key].size_bytes

    def _check_size(self, size_bytes: int) -> None:
        if not self._conf().flag(f"{MEMORY_CONTROL}.enabled"):
            return
        largest, total = self._limit("maxModelSize"), self._limit("maxStorageSize")
        if sum(entry.size_bytes for entry in self._entries.values()) + size_bytes > total:
            raise SparkError("CONNECT_ML.ML_CACHE_SIZE_OVERFLOW_EXCEPTION", mlCacheMaxSize=total)
        if size_bytes > largest:
            raise SparkError(
                "CONNECT_ML.MODEL_SIZE_OVERFLOW_EXCEPTION", modelSize=size_bytes, modelMaxSize=largest
            )

    def _limit(self, name: str) -> int:
        return parse_bytes(self._conf().get(f"{MEMORY_CONTROL}.{name}"))

    def _offload_surplus(self) -> None:
        in_memory = [(key, e) for key, e in self._entries.items() if isinstance(e.value, Model)]
        surplus = sum(entry.size_bytes for _, entry in in_memory) - self._limit("maxInMemorySize")
        for key, entry in in_memory[:-1]:  # The last one is in use.
            if surplus <= 0:
                return
            self._offload(key, entry)
            surplus -= entry.size_bytes

    def _offload(self, key: str, entry: _Entry) -> None:
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="cauce-models-"))
        save_model(entry.value, LocalFileSystem(), str(self._folder / key))
        entry.value = None

    def _read_back(self, key: str, entry: _Entry) -> Model:
        assert self._folder is not None, "an offloaded model has a folder"
        model = load_model(LocalFileSystem(), str(self._folder / key))
        shutil.rmtree(self._folder / key, ignore_errors=True)
        model.summary = entry.summary
        return model


def with_params(model: Model, values: dict[str, Any]) -> Model:
    """The same model with other parameters; what it learned is shared."""
    changed = copy.copy(model)
    changed.params = model.params.updated(values)
    return changed
