"""Where a source began is decided once."""

from pathlib import Path

from cauce.checkpoint import InitialOffset
from cauce.files import LocalFileSystem

SPARK = Path(__file__).parent / "goldens" / "spark-4.2"


def test_the_first_time_decides(tmp_path: Path) -> None:
    first = InitialOffset(LocalFileSystem(), str(tmp_path / "sources/0"))
    assert first.read() is None
    assert first.read_or_create(lambda: "10") == "10"
    assert InitialOffset(LocalFileSystem(), str(tmp_path / "sources/0")).read_or_create(lambda: "20") == "10"


def test_the_rate_source_of_spark(tmp_path: Path) -> None:
    assert InitialOffset(LocalFileSystem(), str(SPARK / "rate/sources/0")).read() == "1795253480567"
    InitialOffset(LocalFileSystem(), str(tmp_path)).read_or_create(lambda: "1795253480567")
    for name in ("0", ".0.crc"):
        assert (tmp_path / name).read_bytes() == (SPARK / "rate/sources/0" / name).read_bytes()


def test_kafka_puts_a_zero_byte_first(tmp_path: Path) -> None:
    InitialOffset(LocalFileSystem(), str(tmp_path), zero_byte=True).read_or_create(lambda: '{"t":{"0":23}}')
    assert (tmp_path / "0").read_bytes() == b'\0v1\n{"t":{"0":23}}'
    assert InitialOffset(LocalFileSystem(), str(tmp_path), zero_byte=True).read() == '{"t":{"0":23}}'
