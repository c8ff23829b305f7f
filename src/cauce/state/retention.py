"""Which files in a store's folder are still needed, counted by the retained versions that need them."""

from collections import Counter
from collections.abc import Iterable, Sequence

import pyarrow as pa

from cauce.files import FileSystem, local_copy
from cauce.state.segment_file import read_trailer

__all__ = ["Retention"]


class Retention:
    """Only deletes files that were there when the store was opened or that this store wrote.

    So an attempt that lost its query to another one cannot delete what the other wrote since.
    """

    def __init__(self, file_system: FileSystem, path: str) -> None:
        self._file_system, self._path = file_system, path
        self._needs: dict[str, tuple[str, ...]] = {}
        self._uses: Counter[str] = Counter()
        self._retained: set[str] = set()
        self._strays = {name for name in file_system.names(path) if name.endswith((".arrow", ".tmp"))}

    def wrote(self, name: str, manifest: Iterable[str]) -> None:
        """A version's newest file and the older ones it needs."""
        self._needs[name] = (name, *manifest)
        self._strays.add(name)

    def purge(self, names: Sequence[str]) -> None:
        """Delete what none of the versions with these newest files needs."""
        wanted = set(names)
        for name in wanted - self._retained:
            self._uses.update(self._needed_by(name))
        for name in self._retained - wanted:
            self._uses.subtract(self._needs.pop(name))
        self._retained = wanted
        unused = [name for name, uses in self._uses.items() if uses == 0]
        # Also what an attempt wrote that failed after its state was durable.
        strays = [name for name in self._strays if name not in self._uses]
        for name in [*unused, *strays]:
            self._file_system.delete(f"{self._path}/{name}")
            self._uses.pop(name, None)
            self._needs.pop(name, None)
        self._strays.clear()

    def _needed_by(self, name: str) -> tuple[str, ...]:
        if name not in self._needs:
            path = f"{self._path}/{name}"
            if not self._file_system.exists(path):
                return self._needs.setdefault(name, (name,))
            with pa.memory_map(local_copy(path)) as file:
                manifest, _ = read_trailer(file.read_buffer(), path)
            self._needs[name] = (name, *(older for older, _ in manifest))
        return self._needs[name]
