"""Parquet files whose columns are exactly those asked for are read by Arrow; others are the engine's."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql.connect.proto import Read, Relation

from cauce.files import uri_of_path
from cauce.streaming.sources.scan import count_scan_rows, read_scan

SCHEMA = pa.schema([("id", pa.int64()), ("at", pa.timestamp("us", "Europe/Madrid")), ("name", pa.string())])


def scan(*paths: Path, **options: str) -> Relation:
    source = Read.DataSource(format="parquet", paths=[uri_of_path(str(p)) for p in paths], options=options)
    return Relation(read=Read(data_source=source))


def written(path: Path, table: pa.Table, **options: object) -> Path:
    pq.write_table(table, path, **options)
    return path


def rows(count: int = 3) -> pa.Table:
    times = pa.array(range(count), pa.int64()).view(pa.timestamp("us", "UTC"))
    ids = pa.array([None, *range(1, count)], pa.int64())
    return pa.table({"name": [f"é{i}" for i in range(count)], "at": times, "id": ids})


@pytest.mark.parametrize("count", [1, 3, 200_000])
def test_columns_come_in_the_order_and_zone_asked_for(tmp_path: Path, count: int) -> None:
    first = written(tmp_path / "a b%20ñ[1].parquet", rows(count))
    second = written(tmp_path / "b.parquet", rows(2))
    found = read_scan(scan(first, second), SCHEMA)
    assert found == pa.concat_tables([rows(count), rows(2)]).select(SCHEMA.names).cast(SCHEMA)
    assert count_scan_rows(scan(first, second)) == count + 2


def test_fewer_columns_than_the_file_has(tmp_path: Path) -> None:
    path = written(tmp_path / "a.parquet", rows())
    wanted = pa.schema([SCHEMA.field("at")])
    assert read_scan(scan(path), wanted) == rows().select(["at"]).cast(wanted)


def changed(name: str, column: pa.Array) -> pa.Table:
    table = rows()
    return table.set_column(table.column_names.index(name), name, column)


@pytest.mark.parametrize(
    ("table", "options"),
    [
        (changed("id", pa.array([1, 2, 3], pa.int32())), {}),
        (changed("at", pa.array([1, 2, 3], pa.timestamp("us"))), {}),
        (changed("at", pa.array([1, 2, 3], pa.timestamp("ms", "UTC"))), {}),
        (changed("name", pa.array(["a", "b", "c"]).dictionary_encode()), {}),
        (rows(), {"use_deprecated_int96_timestamps": True}),
        (rows().drop_columns(["id"]), {}),
        (rows().rename_columns(["NAME", "at", "id"]), {}),
    ],
    ids=["narrower", "no zone", "milliseconds", "dictionary", "int96", "missing", "case"],
)
def test_one_file_with_other_columns_is_enough(tmp_path: Path, table: pa.Table, options: dict) -> None:
    good = written(tmp_path / "good.parquet", rows())
    other = written(tmp_path / "other.parquet", table, **options)
    assert read_scan(scan(good, other), SCHEMA) is None


def test_what_cannot_be_read_is_explained_by_the_engine(tmp_path: Path) -> None:
    broken = tmp_path / "broken.parquet"
    broken.write_bytes(b"PAR1 and no more")
    assert read_scan(scan(broken), SCHEMA) is None
    assert read_scan(scan(tmp_path / "gone.parquet"), SCHEMA) is None


def test_options_are_for_the_engine(tmp_path: Path) -> None:
    path = written(tmp_path / "a.parquet", rows())
    assert read_scan(scan(path, mergeSchema="true"), SCHEMA) is None
