"""Files that a program adds to its session, used from closures."""

import zipfile
import zlib

import pytest
from pyspark.errors.exceptions.connect import SparkConnectGrpcException
from pyspark.sql import functions as F
from pyspark.sql.connect import proto


def test_a_module_added_as_a_file_is_imported_by_a_closure(spark, tmp_path):
    (tmp_path / "tripling.py").write_text("def triple(x):\n    return 3 * x\n")
    spark.addArtifact(str(tmp_path / "tripling.py"), pyfile=True)

    @F.udf("long")
    def triple(value):
        from tripling import triple

        return triple(value)

    assert [row[0] for row in spark.range(3).select(triple("id")).collect()] == [0, 3, 6]


def test_a_package_in_a_zip_is_imported_by_a_closure(spark, tmp_path):
    with zipfile.ZipFile(tmp_path / "quadrupling.zip", "w") as archive:
        archive.writestr("quadrupling/__init__.py", "def quadruple(x):\n    return 4 * x\n")
    spark.addArtifact(str(tmp_path / "quadrupling.zip"), pyfile=True)

    @F.udf("long")
    def quadruple(value):
        import quadrupling

        return quadrupling.quadruple(value)

    assert [row[0] for row in spark.range(3).select(quadruple("id")).collect()] == [0, 4, 8]


def test_spark_files_finds_an_added_file(spark, tmp_path):
    (tmp_path / "greeting.txt").write_text("hello")
    spark.addArtifact(str(tmp_path / "greeting.txt"), file=True)

    @F.udf("string")
    def greeting(_):
        from pyspark.core.files import SparkFiles

        with open(SparkFiles.get("greeting.txt")) as file:
            return file.read()

    assert spark.range(1).select(greeting("id")).collect()[0][0] == "hello"


def test_an_archive_is_unpacked_under_its_alias(spark, tmp_path):
    with zipfile.ZipFile(tmp_path / "words.zip", "w") as archive:
        archive.writestr("inner.txt", "inside")
    spark.addArtifact(f"{tmp_path / 'words.zip'}#words", archive=True)

    @F.udf("string")
    def inner(_):
        from pyspark.core.files import SparkFiles

        with open(SparkFiles.get("words/inner.txt")) as file:
            return file.read()

    assert spark.range(1).select(inner("id")).collect()[0][0] == "inside"


def test_a_large_file_comes_in_chunks(spark, server, tmp_path):
    content = bytes(range(256)) * 1024
    (tmp_path / "large.bin").write_bytes(content)
    spark.addArtifact(str(tmp_path / "large.bin"), file=True)

    [session] = [s for s in server.sessions.sessions() if s.session_id == spark.session_id]
    assert session.artifacts.read("files/large.bin") == content


def test_the_same_name_with_other_content_is_refused(spark, tmp_path):
    (tmp_path / "twice.txt").write_text("one")
    spark.addArtifact(str(tmp_path / "twice.txt"), file=True)
    spark.addArtifact(str(tmp_path / "twice.txt"), file=True)
    (tmp_path / "twice.txt").write_text("two")

    with pytest.raises(SparkConnectGrpcException, match="ARTIFACT_ALREADY_EXISTS"):
        spark.addArtifact(str(tmp_path / "twice.txt"), file=True)


@pytest.mark.parametrize("name", ["files/../../escaped", "/etc/escaped", "..", "files/\0", ""])
def test_a_name_that_leaves_the_session_folder_is_refused(spark, name):
    with pytest.raises(SparkConnectGrpcException, match="INVALID_ARTIFACT_PATH"):
        _upload(spark, name, b"x")


def test_a_link_planted_in_the_folder_is_not_followed(spark, server, tmp_path):
    _upload(spark, "files/first", b"x")
    [session] = [s for s in server.sessions.sessions() if s.session_id == spark.session_id]
    (session.artifacts.files() / "link").symlink_to(tmp_path)

    with pytest.raises(SparkConnectGrpcException, match="INVALID_ARTIFACT_PATH"):
        _upload(spark, "files/link/escaped", b"x")
    assert not (tmp_path / "escaped").exists()


def test_a_damaged_upload_is_reported_and_not_kept(spark):
    summary = _upload(spark, "files/damaged", b"x", crc=1).artifacts[0]

    assert not summary.is_crc_successful
    status = spark.client._stub.ArtifactStatus(
        proto.ArtifactStatusesRequest(
            session_id=spark.session_id,
            user_context=spark.client._artifact_manager._user_context,
            names=["files/damaged"],
        )
    )
    assert not status.statuses["files/damaged"].exists


def test_a_jar_is_refused_because_there_is_no_java(spark, tmp_path):
    (tmp_path / "x.jar").write_bytes(b"PK")

    with pytest.raises(SparkConnectGrpcException, match="CAUCE_NO_JVM"):
        spark.addArtifact(str(tmp_path / "x.jar"))


def test_local_data_above_the_cache_threshold_is_uploaded_in_chunks(spark):
    spark.conf.set("spark.sql.session.localRelationCacheThreshold", "1000")
    spark.conf.set("spark.sql.session.localRelationChunkSizeRows", "300")

    frame = spark.createDataFrame([(i, str(i)) for i in range(1000)], "id long, text string")

    assert frame.agg(F.sum("id"), F.count("text")).collect() == [(499500, 1000)]
    assert spark.createDataFrame([(1, None)], "id long, text string").collect() == [(1, None)]


def _upload(spark, name, data, crc=None):
    """What the client sends for one small artifact, with a name the client itself would not accept."""
    chunk = proto.AddArtifactsRequest.ArtifactChunk(data=data, crc=zlib.crc32(data) if crc is None else crc)
    artifact = proto.AddArtifactsRequest.SingleChunkArtifact(name=name, data=chunk)
    request = proto.AddArtifactsRequest(
        session_id=spark.session_id,
        user_context=spark.client._artifact_manager._user_context,
        batch=proto.AddArtifactsRequest.Batch(artifacts=[artifact]),
    )
    try:
        return spark.client._stub.AddArtifacts(iter([request]))
    except Exception as error:
        spark.client._handle_error(error)
