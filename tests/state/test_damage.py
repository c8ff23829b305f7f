"""A damaged segment is refused with its name and the place of the damage, whatever byte is wrong."""

import random
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from cauce.errors import SparkError
from cauce.files import LocalFileSystem
from cauce.state import StateStore

KEYS = pa.schema([pa.field("key", pa.int64())])
VALUES = pa.schema([pa.field("value", pa.int64())])
BLOCK_BYTES = 1 << 20


def open_store(path: Path, reference: dict[str, Any] | None) -> StateStore:
    return StateStore.open(
        LocalFileSystem(), str(path), key_schema=KEYS, value_schema=VALUES, reference=reference
    )


def put(store: StateStore, start: int, stop: int) -> dict[str, Any]:
    keys = np.arange(start, stop)
    store.put(pa.table([pa.array(keys)], schema=KEYS), pa.table([pa.array(keys)], schema=VALUES))
    return store.commit()


def refused(path: Path, reference: dict[str, Any]) -> SparkError:
    with pytest.raises(SparkError) as caught:
        open_store(path, reference)
    assert caught.value.condition == "CANNOT_LOAD_STATE_STORE.DAMAGED_SEGMENT"
    return caught.value


def test_a_file_cut_at_any_byte_is_refused(tmp_path: Path) -> None:
    reference = put(open_store(tmp_path, None), 0, 5)
    file = tmp_path / reference["file"]
    whole = file.read_bytes()
    for length in range(len(whole)):
        file.write_bytes(whole[:length])
        assert refused(tmp_path, reference).parameters["file"] == str(file)


def test_any_wrong_byte_is_refused(tmp_path: Path) -> None:
    reference = put(open_store(tmp_path, None), 0, 5)
    file = tmp_path / reference["file"]
    whole = file.read_bytes()
    for at in range(len(whole)):
        file.write_bytes(whole[:at] + bytes([whole[at] ^ 1 << at % 8]) + whole[at + 1 :])
        assert refused(tmp_path, reference).parameters["file"] == str(file)


def test_the_offset_of_the_damage_is_told(tmp_path: Path) -> None:
    reference = put(open_store(tmp_path, None), 0, 200_000)
    file = tmp_path / reference["file"]
    chance, size = random.Random(7), file.stat().st_size
    for _ in range(20):
        at = chance.randrange(size - 5_000)
        with file.open("r+b") as stream:
            stream.seek(at)
            was = stream.read(1)
            stream.seek(at)
            stream.write(bytes([was[0] ^ 0x40]))
            stream.flush()
            assert refused(tmp_path, reference).parameters["offset"] == str(at // BLOCK_BYTES * BLOCK_BYTES)
            stream.seek(at)
            stream.write(was)
    assert open_store(tmp_path, reference).num_rows == 200_000


def test_a_whole_segment_of_another_attempt_is_refused(tmp_path: Path) -> None:
    first = put(open_store(tmp_path, None), 0, 10)
    second = put(open_store(tmp_path, first), 10, 20)
    other = put(open_store(tmp_path, None), 5, 15)
    (tmp_path / first["file"]).write_bytes((tmp_path / other["file"]).read_bytes())
    for reference in (first, second):
        assert "made of" in refused(tmp_path, reference).parameters["reason"]


def test_any_arrow_reader_opens_a_segment(tmp_path: Path) -> None:
    reference = put(open_store(tmp_path, None), 0, 5)
    rows = pa.ipc.open_stream((tmp_path / reference["file"]).read_bytes()).read_all()
    assert rows.to_pydict() == {"key": [0, 1, 2, 3, 4], "value": [0, 1, 2, 3, 4]}
