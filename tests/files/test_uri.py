"""Users write plain paths and file URIs; everything else is refused in Hadoop's words."""

import os

import pytest

from cauce.errors import AnalysisException, IllegalArgumentException, SparkError
from cauce.files import open_file_system, path_of_uri, uri_of_path


@pytest.mark.parametrize(
    ("written", "path"),
    [
        ("/data/in", "/data/in"),
        ("/data//in/", "/data/in"),
        ("file:/data/in", "/data/in"),
        ("file:///data/in", "/data/in"),
        ("file:////data/in", "/data/in"),
        ("file://localhost/data/in", "/data/in"),
        ("FILE:/data/../in", "/in"),
        ("/data/a b%20c", "/data/a b%20c"),
        ("/data/12:30", "/data/12:30"),
    ],
)
def test_a_local_path(written: str, path: str) -> None:
    assert open_file_system(written)[1] == path


def test_a_relative_path_starts_at_the_working_folder() -> None:
    assert open_file_system("out/bronze")[1] == os.path.join(os.getcwd(), "out/bronze")


@pytest.mark.parametrize(
    ("written", "error", "message"),
    [
        ("gs://bucket/in", AnalysisException, 'No FileSystem for scheme "gs"'),
        ("hdfs:/data", AnalysisException, 'No FileSystem for scheme "hdfs"'),
        ("", IllegalArgumentException, "Can not create a Path from an empty string"),
        ("file:data", IllegalArgumentException, "Relative path in absolute URI: file:data"),
        ("file://host/data", IllegalArgumentException, "Wrong FS: file://host/data, expected: file:///"),
    ],
)
def test_what_is_no_local_path_is_refused(written: str, error: type[SparkError], message: str) -> None:
    with pytest.raises(error) as caught:
        open_file_system(written)
    assert message in str(caught.value)


@pytest.mark.parametrize("path", ["/data/in", "/a b/c%d", "/k=1/ñandú+#?.json", "/x/[y]{z}"])
def test_a_path_in_a_log_reads_back(path: str) -> None:
    assert path_of_uri(uri_of_path(path)) == path
