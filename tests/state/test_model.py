"""Any sequence of operations, on keys of any type, leaves what a dictionary would hold, reopened or not."""

import tempfile
from collections import Counter
from typing import Any

import hypothesis.strategies as st
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from cauce.files import LocalFileSystem
from cauce.state import StateOptions, StateStore
from tests.state.model import KEY_TYPES, Model, canonical, rows_of, table

VALUES = pa.schema([pa.field("name", pa.string()), pa.field("at", pa.int64())])
TIGHT = StateOptions(
    memory_budget_bytes=20_000, merge_width=2, small_segment_rows=20, rows_ratio_max=1.5, rewrite_rows_min=4
)
"""Everything that rarely happens, happening all the time."""


class StoreMachine(RuleBasedStateMachine):
    multi_row = False

    @initialize(names=st.lists(st.sampled_from(sorted(KEY_TYPES)), min_size=1, max_size=3), data=st.data())
    def open(self, names: list[str], data: st.DataObject) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.keys = pa.schema([pa.field(f"{i} {name}", KEY_TYPES[name][0]) for i, name in enumerate(names)])
        columns = [st.none() | KEY_TYPES[name][1] for name in names]
        # A small pool, so that keys come back.
        self.pool = data.draw(st.lists(st.tuples(*columns), min_size=1, max_size=30))
        self.model = Model(len(names) + 1, multi_row=self.multi_row)
        self.versions: list[tuple[dict[str, Any] | None, Model]] = [(None, self.model.copy())]
        self.store = self.reopened(None)

    def reopened(self, reference: dict[str, Any] | None) -> StateStore:
        return StateStore.open(
            LocalFileSystem(), self.folder.name, key_schema=self.keys, value_schema=VALUES,
            reference=reference, event_time="at", multi_row=self.multi_row, options=TIGHT,
        )  # fmt: skip

    def some_keys(self, data: st.DataObject) -> tuple[pa.Table, list[tuple[Any, ...]]]:
        rows = data.draw(st.lists(st.sampled_from(self.pool), max_size=12))
        return table(rows, self.keys), [tuple(map(canonical, row)) for row in rows]

    @rule(data=st.data())
    def put(self, data: st.DataObject) -> None:
        keys, model_keys = self.some_keys(data)
        row = st.tuples(st.none() | st.text(max_size=3), st.none() | st.integers(0, 20))
        rows = data.draw(st.lists(row, min_size=len(keys), max_size=len(keys)))
        if not self.multi_row and data.draw(st.booleans()):
            self.store.get(keys)
        self.store.put(keys, table(rows, VALUES))
        self.model.put(model_keys, rows)

    @rule(data=st.data())
    def get(self, data: st.DataObject) -> None:
        keys, model_keys = self.some_keys(data)
        if self.multi_row:
            index, values = self.store.get_all(keys)
            expected = [(i, *row) for i, key in enumerate(model_keys) for row in self.model.rows.get(key, [])]
            assert index.tolist() == sorted(index.tolist())
            matches = zip(index.tolist(), rows_of(values), strict=True)
            assert Counter((i, *row) for i, row in matches) == Counter(expected)
            return
        found, values = self.store.get(keys)
        assert found.tolist() == [key in self.model.rows for key in model_keys]
        assert rows_of(values) == [self.model.rows.get(key, [(None, None)])[0] for key in model_keys]

    @rule(data=st.data())
    def remove(self, data: st.DataObject) -> None:
        keys, model_keys = self.some_keys(data)
        assert self.store.remove(keys) == self.model.remove(model_keys)

    @rule(threshold=st.integers(-1, 21))
    def evict(self, threshold: int) -> None:
        assert Counter(rows_of(self.store.peek_expired(threshold))) == Counter(self.model.expired(threshold))
        assert Counter(rows_of(self.store.evict(threshold))) == Counter(self.model.evict(threshold))

    @rule()
    def commit(self) -> None:
        reference = self.store.commit()
        self.versions.append((reference, self.model.copy()))

    @rule()
    def rollback(self) -> None:
        self.store.rollback()
        self.model = self.versions[-1][1].copy()

    @rule(data=st.data())
    def reopen_at_a_retained_version(self, data: st.DataObject) -> None:
        at = data.draw(st.integers(0, len(self.versions) - 1))
        self.versions = self.versions[: at + 1]
        self.store.close()
        self.store = self.reopened(self.versions[-1][0])
        self.model = self.versions[-1][1].copy()

    @rule(keep=st.integers(1, 4))
    def purge(self, keep: int) -> None:
        self.versions = self.versions[-keep:]
        self.store.purge([reference for reference, _ in self.versions if reference is not None])

    @invariant()
    def the_same_rows(self) -> None:
        if hasattr(self, "store"):
            assert self.store.num_rows == len(self.model.all())
            rows = [row for piece in self.store.scan() for row in rows_of(piece)]
            assert Counter(rows) == Counter(self.model.all())

    def teardown(self) -> None:
        if hasattr(self, "folder"):
            self.folder.cleanup()


class MultiRowStoreMachine(StoreMachine):
    multi_row = True

    @rule(data=st.data())
    def replace_and_discard(self, data: st.DataObject) -> None:
        keys = table([self.pool[0]], self.keys)
        _, positions = self.store.find_all(keys)
        replaced, discarded = positions[::2], positions[1::2]
        self.store.replace(replaced, table([("new", 7)] * len(replaced), VALUES))
        self.store.discard(discarded)
        key = tuple(map(canonical, self.pool[0]))
        if len(positions):
            self.model.rows[key] = [("new", 7)] * len(replaced)


def settings_for(machine: type[RuleBasedStateMachine]) -> Any:
    case = machine.TestCase
    case.settings = settings(
        max_examples=60,
        stateful_step_count=30,
        deadline=None,
        phases=(Phase.explicit, Phase.generate),
        suppress_health_check=list(HealthCheck),
    )
    return case


TestStore = settings_for(StoreMachine)
TestMultiRowStore = settings_for(MultiRowStoreMachine)


@pytest.mark.parametrize("name", KEY_TYPES)
def test_a_key_of_every_type_is_found_again(tmp_path: Any, name: str) -> None:
    keys = pa.schema([pa.field("key", KEY_TYPES[name][0])])
    store = StateStore.open(
        LocalFileSystem(), str(tmp_path), key_schema=keys, value_schema=VALUES, reference=None
    )
    nothing = table([(None,)], keys)
    store.put(nothing, table([("nothing", 1)], VALUES))
    assert rows_of(store.get(nothing)[1]) == [("nothing", 1)]
