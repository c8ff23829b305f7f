"""transformWithState, batch by batch: state of every kind, timers, time to live, and what a crash leaves."""

import dataclasses
import datetime
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyspark.sql import Row
from pyspark.sql.streaming.stateful_processor import StatefulProcessor, StatefulProcessorHandle
from pyspark.sql.types import (
    ArrayType,
    BooleanType,
    DoubleType,
    IntegerType,
    LongType,
    MapType,
    StringType,
    StructField,
    StructType,
    TimestampNTZType,
)

from cauce.errors import PythonException
from cauce.files import LocalFileSystem
from cauce.state import StateStore
from cauce.streaming.operators.keys import GroupKeys
from cauce.streaming.operators.transform_with_state import (
    BatchTimes,
    Input,
    PandasRows,
    PythonRows,
    TransformWithState,
    scope,
)
from tests.operators.conftest import TIMESTAMP, timestamps

COLUMNS = pa.schema([("key", pa.string()), ("word", pa.string()), ("time", TIMESTAMP)])
OUTPUT = StructType().add("key", StringType()).add("said", StringType())
TYPES = {
    "long": LongType(),
    "int": IntegerType(),
    "double": DoubleType(),
    "string": StringType(),
    "boolean": BooleanType(),
    "timestamp_ntz": TimestampNTZType(),
    "array<int>": ArrayType(IntegerType()),
    "map<string,int>": MapType(StringType(), IntegerType()),
}


def parsed(text: str) -> StructType:
    """`name type, ...` with types of TYPES."""
    fields = [field.split(" ") for field in text.split(", ")]
    return StructType([StructField(name, TYPES[kind]) for name, kind in fields])


class Says(StatefulProcessor):
    """Declares `states` and answers every word with what `act(processor, word)` gives."""

    def __init__(self, act: Callable[["Says", str], Any], **states: tuple) -> None:
        self.act, self.states = act, states

    def init(self, handle: StatefulProcessorHandle) -> None:
        self.handle = handle
        kinds = {"value": handle.getValueState, "list": handle.getListState, "map": handle.getMapState}
        for name, (kind, *rest) in self.states.items():
            setattr(self, name, kinds[kind](name, *rest))

    def handleInputRows(self, key, rows, timerValues) -> Iterator[Row]:
        for row in rows:
            yield Row(key=key[0], said=repr(self.act(self, row.word)))

    def handleExpiredTimer(self, key, timerValues, expiredTimerInfo) -> Iterator[Row]:
        yield Row(key=key[0], said=f"timer {expiredTimerInfo.getExpiryTimeInMs()}")


@dataclasses.dataclass
class Query:
    """A processor on stores that live in a folder; `restart` opens them as the last commit left them."""

    folder: Path
    processor: StatefulProcessor
    time_mode: str = "NoTime"
    references: dict[str, Any] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        face = (PandasRows if isinstance(self.processor, SaysInPandas) else PythonRows)(OUTPUT, "UTC")
        self.operator = TransformWithState(
            lambda: self.processor,
            Input(tuple(COLUMNS.names), GroupKeys.of(COLUMNS, ["key"], None), "time"),
            None,
            face=face,
            schema=OUTPUT,
            time_mode=self.time_mode,
            parse_schema=parsed,
        )
        self.stores = {
            name: StateStore.open(
                LocalFileSystem(),
                str(self.folder / name),
                key_schema=schema.key,
                value_schema=schema.value,
                event_time=schema.event_time,
                multi_row=schema.multi_row,
                prefix_columns=schema.prefix_columns,
                reference=self.references.get(name),
            )
            for name, schema in self.operator.store_schemas.items()
        }

    def run(
        self, *words: str, now_ms: int = 0, watermark_ms: int | None = None, commit: bool = True
    ) -> list[str]:
        """Words `a:do` are of key a, `a:do@5` at second 5; gives `key: said`."""
        parts = [word.replace("@", ":").split(":") for word in words]
        columns = [
            [part[0] or None for part in parts],
            [part[1] for part in parts],
            timestamps(int(part[2]) if len(part) > 2 else 0 for part in parts),
        ]
        rows = pa.table(columns, schema=COLUMNS)
        times = BatchTimes(now_ms, watermark_ms, watermark_ms)
        output, self.metrics = self.operator.process(rows, None, self.stores, times)
        if commit:
            self.references = {name: store.commit() for name, store in self.stores.items()}
        else:
            for store in self.stores.values():
                store.rollback()
        return [f"{row['key']}: {row['said']}" for row in output.to_pylist()]


class SaysInPandas(Says):
    def handleInputRows(self, key, rows, timerValues) -> Iterator[pd.DataFrame]:
        for frame in rows:
            said = [repr(self.act(self, word)) for word in frame["word"]]
            yield pd.DataFrame({"said": said, "key": key[0]})


def test_each_key_has_its_own_value_and_a_failed_batch_leaves_it_alone(tmp_path):
    def count(p: Says, word: str) -> Any:
        p.n.update(((p.n.get() or (0,))[0] + 1,))
        return p.n.get()[0]

    query = Query(tmp_path, Says(count, n=("value", "n long")))
    assert query.run("a:x", "b:x", "a:x") == ["a: 1", "a: 2", "b: 1"]
    assert query.run("a:x", "c:x", commit=False) == ["a: 3", "c: 1"]
    query.restart()
    assert query.run("a:x", ":x", "c:x") == ["a: 3", "None: 1", "c: 1"]
    assert query.run(":x") == ["None: 2"]


def test_frames_and_rows_give_the_same(tmp_path):
    def add(p: Says, word: str) -> Any:
        p.words.appendValue((word,))
        return [w for (w,) in p.words.get()]

    for name, kind in (("rows", Says), ("pandas", SaysInPandas)):
        query = Query(tmp_path / name, kind(add, words=("list", "s string")))
        assert query.run("a:x", "a:y") == ["a: ['x']", "a: ['x', 'y']"]
        assert query.run("a:z") == ["a: ['x', 'y', 'z']"]


def test_what_the_user_holds_is_a_copy(tmp_path):
    def keep(p: Says, word: str) -> Any:
        if word == "put":
            items = [1]
            p.v.update((items,))
            items.append(2)
            p.v.get()[0].append(3)
        return p.v.get()

    query = Query(tmp_path, Says(keep, v=("value", "items array<int>")))
    assert query.run("a:put") == ["a: ([1],)"]
    assert query.run("a:look") == ["a: ([1],)"]


def test_values_of_numpy_and_pandas_become_plain(tmp_path):
    def keep(p: Says, word: str) -> Any:
        when = pd.Timestamp("2024-02-29 12:00:00.000001")
        p.v.update((np.int32(5), np.float32(0.5), when, np.bool_(True), np.array([1, 2]), {"k": np.int64(1)}))
        return None

    schema = "i int, f double, t timestamp_ntz, b boolean, a array<int>, m map<string,int>"
    query = Query(tmp_path, Says(keep, v=("value", schema)))
    query.run("a:put")
    query.processor.act = lambda p, _: p.v.get()
    moment = repr(datetime.datetime(2024, 2, 29, 12, 0, 0, 1))
    assert query.run("a:look") == [f"a: (5, 0.5, {moment}, True, [1, 2], {{'k': 1}})"]


@pytest.mark.parametrize("value", [("one",), (1, 2), 1, None, (True and "x",)])
def test_a_value_of_another_shape_ends_the_query(tmp_path, value):
    query = Query(tmp_path, Says(lambda p, _: p.v.update(value), v=("value", "n long")))
    with pytest.raises(PythonException, match="state|type|length|accept"):
        query.run("a:x")


def test_nan_and_zero_are_one_key_of_a_map_each(tmp_path):
    def keep(p: Says, word: str) -> Any:
        p.m.updateValue((float(word),), (1,))
        return len(list(p.m.keys())), p.m.containsKey((float("nan"),)), p.m.containsKey((0.0,))

    query = Query(tmp_path, Says(keep, m=("map", "k double", "n long")))
    assert query.run("a:nan", "a:nan", "a:-0.0", "a:0.0")[-1] == "a: (2, True, True)"
    assert query.run("a:nan") == ["a: (2, True, True)"]


def test_long_lists_and_maps_are_read_for_the_keys_that_ask(tmp_path, monkeypatch):
    def act(p: Says, word: str) -> Any:
        match word:
            case "fill":
                p.items.appendList([(i,) for i in range(50)])
                for i in range(50):
                    p.parts.updateValue((i,), (i * i,))
            case "look":
                return len(list(p.items.get())), len(list(p.parts.keys()))
            case _:
                found = p.parts.getValue((int(word),))
                p.parts.removeKey((int(word),))
                return None if found is None else found.n, p.parts.containsKey((int(word),))

    monkeypatch.setattr(scope, "EAGER_ROWS_MAX", 10)
    monkeypatch.setattr(scope, "EAGER_ROWS_PER_KEY", 1)
    query = Query(tmp_path, Says(act, items=("list", "i long"), parts=("map", "k long", "n long")))
    query.run("a:fill", "b:fill")
    assert query.run("a:7", "a:99", "b:look") == ["a: (49, False)", "a: (None, False)", "b: (50, 50)"]
    query.restart()
    assert query.run("a:look", "b:8", "b:look") == ["a: (50, 49)", "b: (64, False)", "b: (50, 49)"]


def test_timers_fire_from_the_earliest_on_and_once(tmp_path):
    def register(p: Says, word: str) -> Any:
        p.handle.registerTimer(int(word))
        return sorted(p.handle.listTimers())

    query = Query(tmp_path, Says(register), "ProcessingTime")
    assert query.run("a:30", "b:20", "a:20", now_ms=10) == ["a: [30]", "a: [20, 30]", "b: [20]"]
    assert query.run(now_ms=19) == []
    query.restart()
    assert query.run(now_ms=20, commit=False) == ["a: timer 20", "b: timer 20"]
    assert query.run("a:5", now_ms=20) == ["a: [5, 20, 30]", "a: timer 5", "a: timer 20", "b: timer 20"]
    assert query.run(now_ms=29) == []
    assert query.run(now_ms=40) == ["a: timer 30"]
    assert [store.num_rows for store in query.stores.values()] == [0]


def test_rows_behind_the_watermark_are_dropped_in_event_time_only(tmp_path):
    for mode, kept in (("EventTime", ["a: 'new'"]), ("ProcessingTime", ["a: 'old'", "a: 'new'"])):
        query = Query(tmp_path / mode, Says(lambda p, word: word), mode)
        assert query.run("a:old@5", "a:new@6", watermark_ms=5000) == kept
        assert query.metrics.rows_dropped_by_watermark == 2 - len(kept)


def test_state_is_forgotten_when_its_time_is_over(tmp_path):
    def act(p: Says, word: str) -> Any:
        if word == "put":
            p.v.update((1,))
            p.l.appendValue((1,))
            p.m.updateValue((1,), (1,))
        return p.v.exists(), len(list(p.l.get())), p.m.exists()

    states = {"v": ("value", "n long", 10), "l": ("list", "n long", 10), "m": ("map", "n long", "n long", 10)}
    query = Query(tmp_path, Says(act, **states), "ProcessingTime")
    assert query.run("a:put", now_ms=100) == ["a: (True, 1, True)"]
    assert query.run("b:put", now_ms=109) == ["b: (True, 1, True)"]
    assert query.run("a:look", "b:look", now_ms=110) == ["a: (False, 0, False)", "b: (True, 1, True)"]
    assert query.metrics.custom["numValuesRemovedDueToTTLExpiry"] == 3
    assert [store.num_rows for name, store in query.stores.items() if name in states] == [1, 1, 1]
    assert query.run("a:put", now_ms=111) == ["a: (True, 1, True)"]


def test_an_error_of_the_user_carries_its_traceback(tmp_path):
    def fail(p: Says, word: str) -> Any:
        raise KeyError(word)

    query = Query(tmp_path, Says(fail))
    with pytest.raises(PythonException, match="KeyError: 'x'"):
        query.run("a:x")


@pytest.mark.parametrize("seed", range(6))
def test_any_history_of_calls_gives_what_plain_dictionaries_give(tmp_path, seed):
    """Random calls over a few keys, with failed batches and restarts between them."""
    dice = random.Random(seed)
    model = Model()
    query = Query(
        tmp_path,
        Says(act, v=("value", "n long"), l=("list", "n long"), m=("map", "k string", "n long")),
    )
    for _ in range(30):
        words = [
            f"{dice.choice('abc')}:{dice.choice(CALLS)} {dice.randrange(4)}" for _ in range(dice.randrange(9))
        ]
        commit = dice.random() < 0.8
        trial = model.copy()
        # Keys come as they first appear, each with its words in order.
        keys = dict.fromkeys(word[0] for word in words)
        expected = [f"{k}: {trial.act(k, w[2:])!r}" for k in keys for w in words if w[0] == k]
        assert query.run(*words, commit=commit) == expected
        model = trial if commit else model
        if dice.random() < 0.2:
            query.restart()


CALLS = ["update", "clear", "append", "extend", "put", "drop", "set", "unset", "wipe", "all"]


def act(p: Says, word: str) -> Any:
    call, number = word.split(" ")
    n = int(number)
    {
        "update": lambda: p.v.update((n,)),
        "clear": p.v.clear,
        "append": lambda: p.l.appendValue((n,)),
        "extend": lambda: p.l.appendList([(n,), (n + 1,)]),
        "put": lambda: p.l.put([(n,)]),
        "drop": p.l.clear,
        "set": lambda: p.m.updateValue((number,), (n,)),
        "unset": lambda: p.m.removeKey((number,)),
        "wipe": p.m.clear,
        "all": lambda: None,
    }[call]()
    pairs = sorted((k[0], v[0]) for k, v in p.m.iterator())
    return p.v.get(), [i for (i,) in p.l.get()], pairs, p.l.exists(), p.m.containsKey((number,))


class Model:
    """The same with a tuple, a list and a dictionary per key."""

    def __init__(self) -> None:
        self.values: dict[str, tuple] = {}
        self.lists: dict[str, list[int]] = {}
        self.maps: dict[str, dict[str, int]] = {}

    def copy(self) -> "Model":
        other = Model()
        other.values = dict(self.values)
        other.lists = {key: list(items) for key, items in self.lists.items()}
        other.maps = {key: dict(parts) for key, parts in self.maps.items()}
        return other

    def act(self, key: str, word: str) -> Any:
        call, number = word.split(" ")
        n = int(number)
        items, parts = self.lists.setdefault(key, []), self.maps.setdefault(key, {})
        match call:
            case "update":
                self.values[key] = (n,)
            case "clear":
                self.values.pop(key, None)
            case "append":
                items.append(n)
            case "extend":
                items.extend((n, n + 1))
            case "put":
                items[:] = [n]
            case "drop":
                items.clear()
            case "set":
                parts[number] = n
            case "unset":
                parts.pop(number, None)
            case "wipe":
                parts.clear()
        return self.values.get(key), list(items), sorted(parts.items()), bool(items), number in parts
