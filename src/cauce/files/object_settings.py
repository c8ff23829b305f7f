"""Where a bucket is and who asks for it: Hadoop's `fs.s3a.*` settings, else the AWS environment."""

import os
import re
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from cauce.errors import IllegalArgumentException, UnsupportedOperationException

__all__ = ["StoreSettings", "current_settings", "settings_of", "use_settings"]

PREFIXES = ("spark.hadoop.fs.s3a.", "fs.s3a.")
"""As a launcher takes them, and as `spark.conf.set` does; the latter is nearer, so it wins."""
ENDPOINTS = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT")
ANONYMOUS = "AnonymousAWSCredentialsProvider"
PROVIDERS = {
    ANONYMOUS,
    "ContainerCredentialsProvider",
    "DefaultCredentialsProvider",
    "DefaultAWSCredentialsProviderChain",
    "EnvironmentVariableCredentialsProvider",
    "IAMInstanceCredentialsProvider",
    "InstanceProfileCredentialsProvider",
    "SimpleAWSCredentialsProvider",
    "TemporaryAWSCredentialsProvider",
    "WebIdentityTokenCredentialsProvider",
}
ENCRYPTIONS = {"AES256": "AES256", "SSE-S3": "AES256", "SSE-KMS": "aws:kms"}
UNITS_MS = {"": 1, "ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000}

Settings = Mapping[str, str]

_current: ContextVar[Callable[[], Settings]] = ContextVar("object_settings", default=dict)


def use_settings(settings: Callable[[], Settings]) -> None:
    """From now on, whatever this thread opens is opened with these settings: a session's, or a query's."""
    _current.set(settings)


def current_settings() -> Settings:
    """The settings for the bucket of any name that count for this thread, and nothing else of its session."""
    found: dict[str, str] = {}
    values = _current.get()()
    for prefix in PREFIXES:
        found |= {key.removeprefix(prefix): value for key, value in values.items() if key.startswith(prefix)}
    return found


@dataclass(frozen=True)
class StoreSettings:
    """What a client of one bucket is made with. Equal settings can share a client."""

    endpoint: str | None
    region: str | None
    virtual_hosted: bool
    credentials: tuple[str, str, str | None] | None
    """Access key, secret key, session token; None leaves it to the environment."""
    anonymous: bool
    encryption: tuple[str, str | None] | None
    attempts_max: int
    backoff_ms: int
    request_timeout_ms: int
    connect_timeout_ms: int

    def __repr__(self) -> str:
        return f"StoreSettings({self.endpoint})"  # Without the secrets.

    @property
    def client(self) -> dict[str, Any]:
        return {
            "allow_http": (self.endpoint or "").startswith("http://"),
            "timeout": timedelta(milliseconds=self.request_timeout_ms),
            "connect_timeout": timedelta(milliseconds=self.connect_timeout_ms),
        }

    @property
    def retries(self) -> dict[str, Any]:
        return {
            "max_retries": self.attempts_max,
            "retry_timeout": timedelta(milliseconds=self.request_timeout_ms * 3),
            "backoff": {
                "init_backoff": timedelta(milliseconds=self.backoff_ms),
                "max_backoff": timedelta(milliseconds=self.backoff_ms * 50),
                "base": 2,
            },
        }

    @property
    def config(self) -> dict[str, Any]:
        found: dict[str, Any] = {
            "endpoint": self.endpoint,
            "region": self.region,
            "virtual_hosted_style_request": self.virtual_hosted,
            "skip_signature": self.anonymous or None,
        }
        if self.encryption is not None:
            found["aws_server_side_encryption"], found["aws_sse_kms_key_id"] = self.encryption
        return {key: value for key, value in found.items() if value is not None}


def settings_of(bucket: str, settings: Settings) -> StoreSettings:
    """The settings of one bucket; those that name it (`bucket.NAME.`) come before those of all."""
    found = _Options(bucket, settings)
    anonymous = _is_anonymous(found)
    style = found.get("path.style.access")
    virtual_hosted = style is not None and style.lower() == "false" and found.get("endpoint") is not None
    return StoreSettings(
        endpoint=_endpoint(found, bucket, virtual_hosted),
        region=found.get("endpoint.region"),
        virtual_hosted=virtual_hosted,
        credentials=None if anonymous else _credentials(found),
        anonymous=anonymous,
        encryption=_encryption(found),
        attempts_max=found.number("retry.limit", 7),
        backoff_ms=found.milliseconds("retry.interval", 100),
        request_timeout_ms=found.milliseconds("connection.timeout", 30_000),
        connect_timeout_ms=found.milliseconds("connection.establish.timeout", 5_000),
    )


class _Options:
    def __init__(self, bucket: str, settings: Settings) -> None:
        self._prefix, self._settings = f"bucket.{bucket}.", settings

    def get(self, name: str) -> str | None:
        value = self._settings.get(self._prefix + name, self._settings.get(name, ""))
        return value.strip() or None

    def number(self, name: str, default: int) -> int:
        text = self.get(name)
        if text is not None and not text.isdecimal():
            raise IllegalArgumentException(None, f"fs.s3a.{name} must be a whole number, but is {text}.")
        return default if text is None else int(text)

    def milliseconds(self, name: str, default: int) -> int:
        text = self.get(name)
        if text is None:
            return default
        match = re.fullmatch(r"(\d+)([a-z]*)", text.lower())
        if match is None or match[2] not in UNITS_MS:
            raise IllegalArgumentException(None, f"fs.s3a.{name} must be a time such as 30s, but is {text}.")
        return int(match[1]) * UNITS_MS[match[2]]


def _endpoint(found: _Options, bucket: str, virtual_hosted: bool) -> str | None:
    given = found.get("endpoint")
    if given is None:
        return next((os.environ[name] for name in ENDPOINTS if os.environ.get(name)), None)
    if "://" not in given:
        secure = (found.get("connection.ssl.enabled") or "true").lower() != "false"
        given = f"{'https' if secure else 'http'}://{given}"
    given = given.rstrip("/")
    return given.replace("://", f"://{bucket}.", 1) if virtual_hosted else given


def _credentials(found: _Options) -> tuple[str, str, str | None] | None:
    access, secret = found.get("access.key"), found.get("secret.key")
    if access is None and secret is None:
        return None
    if access is None or secret is None:
        missing = "access.key" if access is None else "secret.key"
        raise IllegalArgumentException(
            None, f"fs.s3a.{missing} is missing: access.key and secret.key go together."
        )
    return access, secret, found.get("session.token")


def _is_anonymous(found: _Options) -> bool:
    names = [n.strip().rsplit(".", 1)[-1] for n in (found.get("aws.credentials.provider") or "").split(",")]
    unknown = [name for name in names if name and name not in PROVIDERS]
    if unknown:
        known = ", ".join(sorted(PROVIDERS))
        raise UnsupportedOperationException(
            None, f"fs.s3a.aws.credentials.provider {unknown[0]} is not supported. Known: {known}."
        )
    return names == [ANONYMOUS]


def _encryption(found: _Options) -> tuple[str, str | None] | None:
    given = found.get("encryption.algorithm") or found.get("server-side-encryption-algorithm")
    if given is None:
        return None
    if given not in ENCRYPTIONS:
        known = ", ".join(ENCRYPTIONS)
        raise UnsupportedOperationException(
            None, f"fs.s3a.encryption.algorithm {given} is not supported. Known: {known}."
        )
    key = found.get("encryption.key") or found.get("server-side-encryption.key")
    return ENCRYPTIONS[given], key if given == "SSE-KMS" else None
