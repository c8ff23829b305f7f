"""The file source reads each file once, in order, within limits, and finds its place after a restart."""

import dataclasses
import datetime as dt
import os

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql.types import LongType, StringType, StructType, TimestampType

from cauce.clock import ManualClock
from cauce.conf import Conf
from cauce.errors import AnalysisException, IllegalArgumentException, SparkError
from cauce.files import LocalFileSystem, path_of_uri
from cauce.streaming.sources import SourceOptions
from cauce.streaming.sources.file import FileSource

IDS = StructType().add("id", LongType())


class Folder:
    """An input folder; every file added is a second younger than the one before."""

    def __init__(self, path):
        self.path = str(path)
        self.seconds = 1_600_000_000
        os.makedirs(self.path, exist_ok=True)

    def add(self, name, *ids, text=None):
        path = os.path.join(self.path, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as file:
            file.write("".join(f'{{"id":{i}}}\n' for i in ids) if text is None else text)
        self.seconds += 1
        os.utime(path, (self.seconds, self.seconds))
        return path


@pytest.fixture
def folder(tmp_path):
    return Folder(tmp_path / "in")


def start_source(context, path, schema=IDS, format="json", **options):
    return FileSource(SourceOptions(format, schema, (path,), options), context)


def next_batch(source, rows_of, start):
    """The end offset and the ids of the next batch, sorted: files of one batch are read side by side."""
    end = source.latest_offset(start, source.default_limit())
    return end, [] if end in (None, start) else sorted(row["id"] for row in rows_of(source, start, end))


def all_batches(source, rows_of, start=None):
    batches = []
    while True:
        end, ids = next_batch(source, rows_of, start)
        if end in (None, start):
            return batches
        batches.append(ids)
        start = end


def test_files_are_read_once_as_they_appear(context, folder, rows_of):
    source = start_source(context, folder.path)
    assert source.latest_offset(None, source.default_limit()) is None
    folder.add("b.json", 1)
    folder.add("a.json", 2, 3)
    end, ids = next_batch(source, rows_of, None)
    assert (end, ids) == (0, [1, 2, 3])
    assert next_batch(source, rows_of, end) == (0, [])
    folder.add("c.json", 4)
    assert next_batch(source, rows_of, end) == (1, [4])


def test_a_limit_of_files_makes_batches(context, folder, rows_of):
    for i in range(5):
        folder.add(f"{i}.json", i)
    source = start_source(context, folder.path, maxFilesPerTrigger="2")
    assert all_batches(source, rows_of) == [[0, 1], [2, 3], [4]]


def test_a_limit_of_bytes_lets_at_least_one_file_through(context, folder, rows_of):
    size = os.path.getsize(folder.add("0.json", 0))
    for i in range(1, 4):
        folder.add(f"{i}.json", i)
    source = start_source(context, folder.path, maxBytesPerTrigger=str(2 * size))
    assert all_batches(source, rows_of) == [[0, 1], [2, 3]]
    folder.add("big.json", *range(100, 120))
    assert next_batch(source, rows_of, 1)[1] == list(range(100, 120))


def test_the_latest_first(context, folder, rows_of):
    for i in range(3):
        folder.add(f"{i}.json", i)
    source = start_source(context, folder.path, latestFirst="true", maxFilesPerTrigger="1")
    assert all_batches(source, rows_of) == [[2], [1], [0]]


def test_files_too_old_for_the_newest_are_ignored_but_not_at_the_start(context, folder, rows_of):
    folder.add("old.json", 1)
    folder.seconds += 100
    folder.add("new.json", 2)
    source = start_source(context, folder.path, maxFileAge="50s")
    assert all_batches(source, rows_of) == [[1, 2]]
    folder.seconds -= 80
    folder.add("late.json", 3)
    assert all_batches(source, rows_of, 0) == []


def test_only_the_name_may_count(context, folder, rows_of):
    folder.add("k=1/x.json", 1)
    source = start_source(context, folder.path, fileNameOnly="true")
    assert all_batches(source, rows_of) == [[1]]
    folder.add("k=2/x.json", 2)
    assert all_batches(source, rows_of, 0) == []


def test_cached_files_are_used_up_before_the_folder_is_listed_again(context, folder, rows_of):
    for i in range(4):
        folder.add(f"{i}.json", i)
    source = start_source(context, folder.path, maxFilesPerTrigger="1", maxCachedFiles="2")
    end, ids = next_batch(source, rows_of, None)
    folder.seconds -= 100
    folder.add("older.json", 99)
    rest = all_batches(source, rows_of, end)
    assert [ids, *rest] == [[0], [1], [2], [99], [3]]


def test_available_now_freezes_the_end(context, folder, rows_of):
    folder.add("a.json", 1)
    folder.add("b.json", 2)
    source = start_source(context, folder.path, maxFilesPerTrigger="1")
    source.prepare_for_trigger_available_now()
    folder.add("c.json", 3)
    assert all_batches(source, rows_of) == [[1], [2]]


def test_hidden_files_and_sub_folders_are_left_out(context, folder, rows_of):
    folder.add("_temporary/0.json", 1)
    folder.add(".a.json.swp", 2)
    folder.add("_SUCCESS", 3)
    folder.add("b.json._COPYING_", 4)
    folder.add("sub/c.json", 5)
    folder.add("d.json", 6)
    assert all_batches(start_source(context, folder.path), rows_of) == [[6]]


def test_sub_folders_are_read_when_asked_for(context, folder, rows_of):
    folder.add("sub/deep/c.json", 5)
    folder.add("k=1/d.json", 6)
    source = start_source(context, folder.path, recursiveFileLookup="true")
    assert all_batches(source, rows_of) == [[5, 6]]
    assert source.schema.names == ["id"]


def test_names_can_be_filtered(context, folder, rows_of):
    folder.add("a.json", 1)
    folder.add("a.txt", 2)
    folder.add("b.json", 3)
    source = start_source(context, folder.path, pathGlobFilter="{a,c}.js*")
    assert all_batches(source, rows_of) == [[1]]


def test_a_pattern_matches_folders_and_files(context, folder, rows_of):
    folder.add("2026-01/a.json", 1)
    folder.add("2026-02/b.json", 2)
    folder.add("2027-01/c.json", 3)
    source = start_source(context, f"{folder.path}/2026-*/[ab].json")
    assert all_batches(source, rows_of) == [[1, 2]]


def test_odd_names_are_no_patterns(context, folder, rows_of):
    for i, name in enumerate(["a b.json", "a[1].json", "100%.json", "é*.json", "q?.json", "%20.json"]):
        folder.add(name, i)
    assert all_batches(start_source(context, folder.path), rows_of) == [[0, 1, 2, 3, 4, 5]]


def test_folders_named_after_columns_become_columns(context, folder, rows_of):
    folder.add("year=2026/tag=a%3Ab/x.json", 1)
    folder.add("year=2027/tag=__HIVE_DEFAULT_PARTITION__/y.json", 2)
    source = start_source(context, folder.path)
    assert source.schema.simpleString() == "struct<id:bigint,year:int,tag:string>"
    assert rows_of(source, None, source.latest_offset(None, source.default_limit())) == [
        {"id": 1, "year": 2026, "tag": "a:b"},
        {"id": 2, "year": 2027, "tag": None},
    ]


def test_a_declared_partition_column_keeps_its_type_and_comes_last(context, folder, rows_of):
    folder.add("year=2026/x.json", 1)
    schema = StructType().add("year", StringType()).add("id", LongType())
    source = start_source(context, folder.path, schema)
    assert source.schema.simpleString() == "struct<id:bigint,year:string>"
    assert rows_of(source, None, source.latest_offset(None, source.default_limit())) == [
        {"id": 1, "year": "2026"}
    ]


def test_a_restart_goes_on_after_the_last_logged_file(context, folder, rows_of):
    folder.add("a.json", 1)
    source = start_source(context, folder.path)
    assert source.latest_offset(None, source.default_limit()) == 0
    folder.add("b.json", 2)
    again = start_source(context, folder.path)
    assert [row["id"] for row in rows_of(again, None, 0)] == [1]
    assert next_batch(again, rows_of, 0) == (1, [2])


def test_the_source_log_is_sparks(context, folder):
    path = folder.add("a b.json", 1)
    source = start_source(context, folder.path)
    source.latest_offset(None, source.default_limit())
    text = context.file_system.read_bytes(f"{context.metadata_path}/0").decode()
    version, line = text.split("\n")
    assert version == "v1"
    assert line.startswith('{"path":"file:///') and line.endswith(',"timestamp":1600000001000,"batchId":0}')
    assert path_of_uri(line.split('"')[3]) == path


def test_many_offsets_are_compacted_and_still_readable(context, folder, rows_of):
    for i in range(25):
        folder.add(f"{i:02}.json", i)
    source = start_source(context, folder.path, maxFilesPerTrigger="1")
    assert all_batches(source, rows_of) == [[i] for i in range(25)]
    again = start_source(context, folder.path, maxFilesPerTrigger="1")
    assert sorted(row["id"] for row in rows_of(again, 8, 24)) == list(range(9, 25))
    assert all_batches(again, rows_of, 24) == []


def test_a_vanished_file_stops_the_query_unless_it_may_be_missing(context, folder, rows_of):
    path = folder.add("a.json", 1)
    folder.add("b.json", 2)
    source = start_source(context, folder.path)
    end = source.latest_offset(None, source.default_limit())
    os.remove(path)
    with pytest.raises(SparkError, match="a.json. File does not exist") as failed:
        source.read(None, end)
    assert failed.value.condition == "FAILED_READ_FILE.FILE_NOT_EXIST"
    lenient = start_source(context, folder.path, ignoreMissingFiles="true")
    assert [row["id"] for row in rows_of(lenient, None, end)] == [2]


@pytest.mark.parametrize("format", ["parquet", "json.gz"])
def test_a_corrupt_file_stops_the_query_unless_it_may_be_corrupt(context, folder, rows_of, format):
    path = folder.add(f"a.{format}", text="not what the name says")
    format = format.removesuffix(".gz")
    strict = start_source(context, folder.path, format=format)
    end = strict.latest_offset(None, strict.default_limit())
    with pytest.raises(Exception, match=r"(?i)parquet|gzip"):
        rows_of(strict, None, end)
    lenient = start_source(context, folder.path, format=format, ignoreCorruptFiles="true")
    assert rows_of(lenient, None, end) == []
    assert os.path.exists(path)


def test_read_files_are_deleted_or_archived_once_committed(context, folder, tmp_path):
    path = folder.add("a.json", 1)
    source = start_source(context, folder.path, cleanSource="DELETE")
    end = source.latest_offset(None, source.default_limit())
    assert os.path.exists(path)
    source.commit(end)
    assert not os.path.exists(path)

    path = folder.add("b.json", 2)
    archive = str(tmp_path / "done")
    source = start_source(context, folder.path, cleanSource="archive", sourceArchiveDir=archive)
    source.commit(source.latest_offset(end, source.default_limit()))
    assert not os.path.exists(path)
    assert os.path.exists(archive + path)


def test_an_archive_inside_the_source_is_refused(context, folder):
    options = {"cleanSource": "archive", "sourceArchiveDir": f"{folder.path}/done"}
    with pytest.raises(IllegalArgumentException, match="Base archive path cannot be set"):
        start_source(context, folder.path, **options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"maxFilesPerTrigger": "0"},
            "Invalid value '0' for option 'maxFilesPerTrigger', must be a positive integer",
        ),
        (
            {"maxFilesPerTrigger": "1", "maxBytesPerTrigger": "1"},
            "Options 'maxFilesPerTrigger' and 'maxBytesPerTrigger' can't be both set at the same time",
        ),
        ({"latestFirst": "si"}, "Invalid value 'si' for option 'latestFirst', must be 'true' or 'false'"),
        ({"cleanSource": "archive"}, "Archive mode must be used with 'sourceArchiveDir' option."),
        ({"modifiedBefore": "2026-01-01"}, "option 'modifiedbefore' is not allowed in file stream sources"),
    ],
)
def test_options_are_refused_in_sparks_words(context, folder, options, message):
    with pytest.raises(IllegalArgumentException) as refused:
        start_source(context, folder.path, **options)
    assert str(refused.value) == message


def test_a_schema_is_needed_unless_it_may_be_inferred(context, folder):
    folder.add("a.json", 1)
    options = SourceOptions("json", None, (folder.path,))
    with pytest.raises(IllegalArgumentException, match="Schema must be specified when creating a streaming"):
        FileSource.describe_schema(options, context)
    inferring = dataclasses.replace(context, conf=Conf({"spark.sql.streaming.schemaInference": "true"}))
    assert FileSource.describe_schema(options, inferring).simpleString() == "struct<id:bigint>"


def test_a_folder_that_is_not_there_is_named(context, folder):
    with pytest.raises(AnalysisException, match=r"\[PATH_NOT_FOUND\] Path does not exist: /nowhere"):
        start_source(context, "/nowhere")
    with pytest.raises(IllegalArgumentException, match="^'path' is not specified.$"):
        FileSource.describe_schema(SourceOptions("json", IDS), context)


def test_text_needs_no_schema(context, folder, rows_of):
    folder.add("a.txt", text="uno\n\ndos 日本")
    source = FileSource(SourceOptions("text", None, (folder.path,)), context)
    end = source.latest_offset(None, source.default_limit())
    assert [row["value"] for row in rows_of(source, None, end)] == ["uno", "", "dos 日本"]


def test_description_and_offsets_are_sparks(context, folder):
    source = start_source(context, folder.path)
    assert source.description() == f"FileStreamSource[file:{folder.path}]"
    assert source.offset_json(7) == '{"logOffset":7}'
    assert source.parse_offset('{"logOffset":7}') == source.parse_offset("7") == 7


def test_files_of_spark_and_of_others_in_one_batch(context, folder, rows_of):
    """Spark's default timestamps are INT96, which Sail does not mix with anything else."""
    moment = dt.datetime(2024, 1, 2, 3, 4, 5, tzinfo=dt.UTC)
    table = pa.table({"t": pa.array([moment], pa.timestamp("us", "UTC"))})
    for name, as_spark in (("a.parquet", True), ("b.parquet", False)):
        pq.write_table(table, folder.add(name, text=""), use_deprecated_int96_timestamps=as_spark)
    source = start_source(context, folder.path, StructType().add("t", TimestampType()), format="parquet")
    rows = rows_of(source, None, source.latest_offset(None, source.default_limit()))
    assert [row["t"].timestamp() for row in rows] == [moment.timestamp()] * 2


class CountingFileSystem(LocalFileSystem):
    """Counts what a poll costs."""

    def __init__(self):
        super().__init__()
        self.calls = []

    def names(self, path):
        self.calls.append("names")
        return super().names(path)

    def list(self, path, *, recursive=False):
        self.calls.append("list")
        return super().list(path, recursive=recursive)

    def status(self, path):
        self.calls.append("status")
        return super().status(path)


def test_polling_a_folder_costs_what_is_new_not_what_is_there(context, folder, rows_of):
    file_system = CountingFileSystem()
    clock = ManualClock(now_ms=4_000_000_000_000)
    context = dataclasses.replace(context, file_system=file_system, clock=clock)
    for i in range(20):
        folder.add(f"day={i % 2}/{i}.json", i)
    source = start_source(context, folder.path)
    end, _ = next_batch(source, rows_of, None)
    assert source.latest_offset(end, source.default_limit()) == end
    file_system.calls.clear()
    assert source.latest_offset(end, source.default_limit()) == end
    assert file_system.calls == ["status"] * 3  # The folder and its two sub-folders.
    os.utime(f"{folder.path}/day=0", (1_600_000_500, 1_600_000_500))
    folder.add("day=0/new.json", 99)
    assert next_batch(source, rows_of, end)[1] == [99]
    folder.add("day=2/new.json", 100)
    assert next_batch(source, rows_of, 1)[1] == [100]
