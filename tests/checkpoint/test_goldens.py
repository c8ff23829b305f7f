"""The files of Apache Spark 4.2.0, byte for byte: cauce reads them, and writes the same.

The goldens are what Spark wrote for a stateless file-to-file query of 13 batches, a windowed aggregation, a
union with an empty source, a rate source, and with format version 2 switched on. Only the folder inside the
paths was renamed.
"""

import json
from pathlib import Path

import pytest

from cauce.checkpoint import Checkpoint, CommitEntry, OffsetEntry, locked_conf
from cauce.conf import Conf
from cauce.files import LocalFileSystem

SPARK = Path(__file__).parent / "goldens" / "spark-4.2"
CONF = locked_conf(Conf({"spark.sql.shuffle.partitions": "2"}))


def spark_checkpoint(name: str) -> Checkpoint:
    return Checkpoint(LocalFileSystem(), str(SPARK / name))


@pytest.mark.parametrize(
    ("query", "batch_id", "watermark_ms", "timestamp_ms", "offsets"),
    [
        ("stateless", 11, 0, 1795253462216, ('{"logOffset":11}',)),
        ("windowed", 3, 1700000015000, 1795253472560, ('{"logOffset":2}',)),
        ("union", 1, 0, 1795253479888, ('{"logOffset":1}', None)),
        ("rate", 2, 0, 1795253482570, ("2",)),
    ],
)
def test_offsets(
    tmp_path: Path,
    query: str,
    batch_id: int,
    watermark_ms: int,
    timestamp_ms: int,
    offsets: tuple[str | None, ...],
) -> None:
    entry = OffsetEntry(watermark_ms, timestamp_ms, CONF, offsets)
    assert spark_checkpoint(query).offsets.get(batch_id) == entry

    Checkpoint(LocalFileSystem(), str(tmp_path)).offsets.add(batch_id, entry)
    assert contents(tmp_path / "offsets") == contents(SPARK / query / "offsets", str(batch_id))


@pytest.mark.parametrize(
    ("query", "batch_id", "watermark_ms"), [("stateless", 12, 0), ("windowed", 3, 1700000015000)]
)
def test_commits(tmp_path: Path, query: str, batch_id: int, watermark_ms: int) -> None:
    entry = CommitEntry(watermark_ms, None)
    assert spark_checkpoint(query).commits.latest() == (batch_id, entry)

    Checkpoint(LocalFileSystem(), str(tmp_path)).commits.add(batch_id, entry)
    assert contents(tmp_path / "commits") == contents(SPARK / query / "commits", str(batch_id))


def contents(folder: Path, name: str | None = None) -> dict[str, bytes]:
    """Every file of a log folder, or one and its checksum."""
    wanted = None if name is None else {name, f".{name}.crc"}
    return {
        path.name: path.read_bytes() for path in folder.iterdir() if wanted is None or path.name in wanted
    }


def test_metadata(tmp_path: Path) -> None:
    golden = spark_checkpoint("stateless")
    query_id = golden.metadata.read()
    assert query_id == "e09dc931-61a0-421d-b1c6-d0d9e711db78"
    written = Checkpoint(LocalFileSystem(), str(tmp_path))
    new_id = written.metadata.read_or_create()
    assert written.metadata.read_or_create() == new_id
    expected = (SPARK / "stateless" / "metadata").read_bytes().replace(query_id.encode(), new_id.encode())
    assert (tmp_path / "metadata").read_bytes() == expected


def test_locked_settings_are_recorded_in_sparks_order() -> None:
    recorded = json.loads((SPARK / "windowed/offsets/3").read_text().splitlines()[1])["conf"]
    assert list(CONF.items()) == list(recorded.items())


def test_version_2_of_both_logs_is_read() -> None:
    v2 = spark_checkpoint("v2")
    offsets = v2.offsets.get(1)
    assert offsets is not None and offsets.offsets == ('{"logOffset":1}',)
    assert v2.commits.get(1) == CommitEntry(1700000005000, None)
