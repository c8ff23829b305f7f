"""Hadoop's `fs.s3a.*` settings, and the paths that go with them."""

import pytest

from cauce.errors import IllegalArgumentException, SparkError
from cauce.files import is_local, open_file_system, path_of_uri, shown_path, uri_of_path, use_settings
from cauce.files.object_settings import current_settings, settings_of


def found(**given: str):
    return settings_of("lake", {key.replace("_", "."): value for key, value in given.items()})


def test_the_nearer_setting_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://from-the-environment")
    use_settings(
        lambda: {
            "spark.hadoop.fs.s3a.endpoint": "launched",
            "fs.s3a.endpoint": "set",
            "spark.hadoop.fs.s3a.bucket.lake.endpoint": "of-the-bucket",
            "spark.hadoop.fs.s3a.bucket.lake.connection.ssl.enabled": "false",
            "spark.other": "x",
        }
    )
    try:
        settings = current_settings()
    finally:
        use_settings(dict)
    assert settings_of("lake", settings).endpoint == "http://of-the-bucket"
    assert settings_of("sea", settings).endpoint == "https://set"
    assert settings_of("sea", {}).endpoint == "http://from-the-environment"


def test_an_endpoint_by_path_or_by_host() -> None:
    assert found(endpoint="http://minio:9000/").endpoint == "http://minio:9000"
    by_host = found(endpoint="minio:9000", path_style_access="false")
    assert (by_host.endpoint, by_host.virtual_hosted) == ("https://lake.minio:9000", True)
    assert found(endpoint="http://minio").client["allow_http"]
    assert not found(endpoint="minio").client["allow_http"]


def test_credentials_come_together_or_not_at_all() -> None:
    assert found().credentials is None
    given = found(access_key="a", secret_key="b", session_token="c")
    assert given.credentials == ("a", "b", "c")
    assert "b" not in repr(given).replace("StoreSettings", "")
    with pytest.raises(IllegalArgumentException, match=r"fs.s3a.secret.key is missing"):
        found(access_key="a")


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("retry.limit", "many", "whole number"),
        ("retry.interval", "soon", "a time such as 30s"),
        ("encryption.algorithm", "SSE-C", "SSE-C is not supported"),
        ("aws.credentials.provider", "com.example.Vault", "Vault is not supported"),
    ],
)
def test_what_cannot_be_honoured_is_refused(name: str, value: str, problem: str) -> None:
    with pytest.raises(SparkError, match=problem):
        settings_of("lake", {name: value})


def test_times_encryption_and_anonymous_access() -> None:
    provider = "org.apache.hadoop.fs.s3a.AnonymousAWSCredentialsProvider"
    settings = settings_of(
        "lake",
        {
            "retry.limit": "2",
            "retry.interval": "500ms",
            "connection.timeout": "20s",
            "connection.establish.timeout": "3000",
            "aws.credentials.provider": provider,
            "encryption.algorithm": "SSE-KMS",
            "encryption.key": "arn:key",
            "endpoint.region": "eu-central-1",
        },
    )
    assert (settings.attempts_max, settings.backoff_ms) == (2, 500)
    assert (settings.request_timeout_ms, settings.connect_timeout_ms) == (20_000, 3_000)
    assert settings.config == {
        "region": "eu-central-1",
        "virtual_hosted_style_request": False,
        "skip_signature": True,
        "aws_server_side_encryption": "aws:kms",
        "aws_sse_kms_key_id": "arn:key",
    }


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        ("s3a://lake", "s3a://lake"),
        ("s3://lake/", "s3://lake"),
        ("s3a://lake//a/./b/../c/", "s3a://lake/a/c"),
        ("s3a://lake/a b%20/ä", "s3a://lake/a b%20/ä"),
    ],
)
def test_paths_are_the_users_and_survive_a_log(uri: str, path: str) -> None:
    _, opened = open_file_system(uri)
    assert (opened, path_of_uri(uri_of_path(opened))) == (path, path)
    assert not is_local(opened)
    assert shown_path(opened) == path


@pytest.mark.parametrize("uri", ["s3a:/in", "s3a:in", "s3a:///in"])
def test_a_path_without_a_bucket_is_refused(uri: str) -> None:
    with pytest.raises(IllegalArgumentException, match="names no bucket"):
        open_file_system(uri)
