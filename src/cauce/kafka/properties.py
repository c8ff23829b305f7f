"""Properties of Kafka's Java clients, as programs for Spark spell them, in the words of librdkafka.

Spark hands every option `kafka.NAME` to the Java client as NAME. Most names are the same in librdkafka;
this file holds the others. A name that neither knows is refused when the client is made.
"""

import re
from collections.abc import Callable, Mapping

from cauce.errors import IllegalArgumentException

__all__ = ["API_TIMEOUT", "MAX_BLOCK", "MAX_POLL_RECORDS", "client_properties"]

API_TIMEOUT = "default.api.timeout.ms"
"""How long one request for metadata or offsets may take."""
MAX_POLL_RECORDS = "max.poll.records"
"""How many records the reader takes from the client at a time."""

MAX_BLOCK = "max.block.ms"
"""How long a writer waits for the broker's answer to anything but a record."""

HERE = {API_TIMEOUT, MAX_POLL_RECORDS, MAX_BLOCK}
"""Properties that cauce itself obeys."""

RENAMED = {
    "fetch.max.wait.ms": "fetch.wait.max.ms",
    "max.request.size": "message.max.bytes",
    "receive.buffer.bytes": "socket.receive.buffer.bytes",
    "send.buffer.bytes": "socket.send.buffer.bytes",
    "request.timeout.ms": "socket.timeout.ms",
    "ssl.truststore.location": "ssl.ca.location",
    "ssl.truststore.certificates": "ssl.ca.pem",
    "ssl.keystore.certificate.chain": "ssl.certificate.pem",
    "ssl.keystore.key": "ssl.key.pem",
}
NO_COUNTERPART = {
    "auto.include.jmx.reporter": "there is no Java virtual machine",
    "client.dns.lookup": "write broker addresses that resolve",
    "config.providers": "pass the values themselves",
    "interceptor.classes": "interceptors are Java classes",
    "metric.reporters": "reporters are Java classes",
    "partitioner.class": "partitioners are Java classes; write a `partition` column instead",
    "sasl.client.callback.handler.class": "handlers are Java classes",
    "sasl.login.callback.handler.class": "handlers are Java classes",
    "sasl.login.class": "logins are Java classes",
    "security.providers": "providers are Java classes",
    "ssl.engine.factory.class": "factories are Java classes",
    "ssl.trustmanager.algorithm": "use ssl.truststore.location with a PEM file",
    "ssl.keymanager.algorithm": "use ssl.keystore.location with a PKCS#12 file",
}
LOGIN_MODULES = ("PlainLoginModule", "ScramLoginModule")


def client_properties(given: Mapping[str, str]) -> dict[str, str]:
    """The properties for librdkafka; raises for those that mean nothing to it."""
    properties: dict[str, str] = {}
    for name, value in given.items():
        if name in NO_COUNTERPART:
            raise _refused(name, NO_COUNTERPART[name])
        if name in HERE:
            continue
        rewrite = REWRITTEN.get(name)
        properties.update(rewrite(value) if rewrite else {RENAMED.get(name, name): value})
    _check_stores(given)
    return properties


def _login(value: str) -> dict[str, str]:
    """`org.apache.kafka...PlainLoginModule required username="a" password="b";`"""
    if not any(module in value for module in LOGIN_MODULES):
        raise _refused("sasl.jaas.config", f"only {' and '.join(LOGIN_MODULES)} are known")
    fields = dict(re.findall(r'(\w+)\s*=\s*"((?:[^"\\]|\\.)*)"', value))
    if "username" not in fields or "password" not in fields:
        raise _refused("sasl.jaas.config", "it names no username and password")
    plain = {name: re.sub(r"\\(.)", r"\1", text) for name, text in fields.items()}
    return {"sasl.username": plain["username"], "sasl.password": plain["password"]}


def _buffer_memory(value: str) -> dict[str, str]:
    return {"queue.buffering.max.kbytes": str(max(1, int(value) // 1024))}


def _host_check(value: str) -> dict[str, str]:
    return {"ssl.endpoint.identification.algorithm": value or "none"}


def _only_pem_or_pkcs12(_: str) -> dict[str, str]:
    return {}


REWRITTEN: dict[str, Callable[[str], dict[str, str]]] = {
    "buffer.memory": _buffer_memory,
    "sasl.jaas.config": _login,
    "ssl.endpoint.identification.algorithm": _host_check,
    "ssl.keystore.type": _only_pem_or_pkcs12,
    "ssl.truststore.type": _only_pem_or_pkcs12,
}


def _check_stores(given: Mapping[str, str]) -> None:
    """Java key stores are unreadable outside Java; PEM trust and PKCS#12 keys are not."""
    for store, allowed in (("truststore", ("PEM",)), ("keystore", ("PEM", "PKCS12"))):
        kind = given.get(f"ssl.{store}.type", allowed[-1]).upper()
        path = given.get(f"ssl.{store}.location", "")
        if kind not in allowed or path.lower().endswith(".jks"):
            raise _refused(f"ssl.{store}.location", f"only {' and '.join(allowed)} files can be read")
    if "ssl.truststore.password" in given:
        raise _refused("ssl.truststore.password", "a PEM file has no password")


def _refused(name: str, reason: str) -> IllegalArgumentException:
    return IllegalArgumentException(None, f"Kafka option '{name}' is not supported: {reason}.")
