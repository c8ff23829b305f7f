"""The examples on a real Kafka broker and a real PostgreSQL: the same answers as without servers."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import example_answers
import pytest
from postgresql_server import PASSWORD, USER, PostgreSQLServer
from pyspark.sql import SparkSession

sys.path.append(str(Path(__file__).parents[1] / "kafka"))

from kafka_broker import KafkaBroker

TOPICS = {"clicks": 6, "add_to_cart": 3, "compras": 3, "logins": 1, "leads-events": 2, "hot-leads-alerts": 2}


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaBroker]:
    with KafkaBroker(tmp_path_factory.mktemp("kafka")) as kafka:
        for topic, partitions in TOPICS.items():
            kafka.create(topic, partitions)
        yield kafka


@pytest.fixture
def client(
    spark: SparkSession, postgresql: PostgreSQLServer, monkeypatch: pytest.MonkeyPatch
) -> SparkSession:
    monkeypatch.setenv("PGUSER", USER)
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    spark.conf.set("spark.sql.session.timeZone", "UTC")
    return spark


def test_the_shop_on_servers(
    client: SparkSession, broker: KafkaBroker, postgresql: PostgreSQLServer, tmp_path: Path
) -> None:
    on_servers = example_answers.shop_answers(client, tmp_path / "a", broker.servers, postgresql.url)
    assert on_servers["fine"], on_servers["report"]
    assert on_servers == example_answers.shop_answers(client, tmp_path / "b")
    assert postgresql.sql("SELECT count(*) FROM catalogue WHERE category = 'toys'") == [(10,)]


def test_the_leads_on_servers(
    client: SparkSession, broker: KafkaBroker, postgresql: PostgreSQLServer, tmp_path: Path
) -> None:
    folders = [tmp_path / name for name in "ab"]
    for folder in folders:
        folder.mkdir()
    on_servers = example_answers.leads_answers(client, folders[0], broker.servers, postgresql.url)
    alone = example_answers.leads_answers(client, folders[1])
    alerts = alone.pop("alerts")
    assert on_servers == alone
    hot = [json.loads(value)["lead_id"] for value in broker.values("hot-leads-alerts")]
    columns = sorted(json.loads(broker.values("hot-leads-alerts")[0]))
    assert sorted(hot) == sorted(row[columns.index("lead_id")] for row in alerts)
