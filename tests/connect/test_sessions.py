"""Sessions: whose they are, what they share, and how they end."""

import uuid

import pytest
from pyspark.errors.exceptions.connect import SparkConnectGrpcException
from pyspark.sql import SparkSession

from cauce.clock import ManualClock
from cauce.server import CauceServer
from cauce.session import SESSIONS_MAX, SessionKey
from cauce.session.registry import IDLE_MS_MAX


@pytest.fixture
def connect():
    """Connects clients; those a test leaves open are closed without asking their server."""
    made = []

    def open_client(server, *, token=None, user="me", session_id=None):
        url = f"sc://localhost:{server.port}/;token={token or server.token};user_id={user}"
        named = f";session_id={session_id}" if session_id else ""
        made.append(SparkSession.builder.remote(url + named).create())
        return made[-1]

    yield open_client
    for spark in made:
        spark.client.close()


def test_two_sessions_do_not_see_each_others_views(server, connect):
    first, second = connect(server), connect(server)
    first.range(3).createOrReplaceTempView("mine")

    assert not second.catalog.tableExists("mine")
    first.stop()
    second.stop()


def test_two_users_with_one_session_id_do_not_meet(server, connect):
    session_id = str(uuid.uuid4())
    alice, bob = (connect(server, user=user, session_id=session_id) for user in ("alice", "bob"))
    alice.range(3).createOrReplaceTempView("secret")
    alice.conf.set("my.setting", "alice's")

    assert not bob.catalog.tableExists("secret")
    assert bob.conf.get("my.setting", "unset") == "unset"
    alice.stop()
    assert bob.range(2).count() == 2
    bob.stop()


def test_two_tokens_do_not_meet_even_under_one_user_name(connect):
    session_id = str(uuid.uuid4())
    with CauceServer(users={"token-of-bob": "bob"}) as server:
        alice = connect(server, user="alice", session_id=session_id)
        bob = connect(server, token="token-of-bob", user="alice", session_id=session_id)
        alice.range(3).createOrReplaceTempView("secret")

        assert not bob.catalog.tableExists("secret")
        alice.stop()
        bob.stop()


def test_one_session_is_shared_by_clients_that_name_it(server, connect):
    session_id = str(uuid.uuid4())
    first, second = (connect(server, session_id=session_id) for _ in range(2))
    first.range(3).createOrReplaceTempView("ours")

    assert second.table("ours").count() == 3
    first.stop()


def test_a_released_session_is_closed_for_good(server, connect):
    session_id = str(uuid.uuid4())
    connect(server, session_id=session_id).range(1).collect()
    server.sessions.close(SessionKey("", "me", session_id))

    with pytest.raises(SparkConnectGrpcException, match="INVALID_HANDLE.SESSION_CLOSED"):
        connect(server, session_id=session_id).range(1).collect()


def test_a_client_is_told_that_the_server_started_anew(server, connect):
    spark = connect(server)
    spark.range(1).collect()
    spark.client._server_session_id = str(uuid.uuid4())

    with pytest.raises(SparkConnectGrpcException, match="INVALID_HANDLE.SESSION_CHANGED"):
        spark.range(1).collect()


def test_a_session_id_must_be_a_uuid(server, connect):
    spark = connect(server)
    spark.client._session_id = "mine"

    with pytest.raises(SparkConnectGrpcException, match="INVALID_HANDLE.FORMAT"):
        spark.range(1).collect()


def test_an_idle_session_expires(connect):
    clock = ManualClock()
    with CauceServer(clock=clock) as server:
        spark = connect(server)
        spark.range(1).collect()
        clock.advance_ms(IDLE_MS_MAX + 1)
        server.sessions.expire()

        with pytest.raises(SparkConnectGrpcException, match="INVALID_HANDLE.SESSION_CLOSED"):
            spark.range(1).collect()


def test_closing_a_session_calls_its_hooks_once_and_last_first(server, connect):
    spark = connect(server)
    spark.range(1).collect()
    [session] = [s for s in server.sessions.sessions() if s.session_id == spark.session_id]
    called = []
    session.on_close(lambda: called.append("first"))
    session.on_close(lambda: called.append("second"))
    spark.stop()
    session.close()

    assert called == ["second", "first"]
    session.on_close(lambda: called.append("late"))
    assert called == ["second", "first", "late"]


def test_sessions_are_limited(connect):
    with CauceServer() as server:
        sessions = [connect(server) for _ in range(SESSIONS_MAX)]
        for spark in sessions:
            assert spark.conf.get("spark.sql.session.timeZone")

        with pytest.raises(SparkConnectGrpcException, match="CAUCE_TOO_MANY_SESSIONS"):
            connect(server).range(1).collect()
        sessions[0].stop()
        assert connect(server).range(1).count() == 1


def test_the_server_can_open_a_client_on_a_session(spark, server):
    spark.range(3).createOrReplaceTempView("shared")
    [session] = [s for s in server.sessions.sessions() if s.session_id == spark.session_id]

    inside = session.client_session()

    assert inside.session_id == spark.session_id
    assert inside.table("shared").count() == 3
    assert session.client_session() is inside


def test_a_client_inside_is_of_the_sessions_user(connect, monkeypatch):
    monkeypatch.setenv("USER", "the server's own user")
    with CauceServer(users={"token-of-bob": "bob"}) as server:
        bob = connect(server, token="token-of-bob", user="")
        bob.range(3).createOrReplaceTempView("shared")
        [session] = server.sessions.sessions()

        assert session.client_session().table("shared").count() == 3
        bob.stop()


def test_a_clone_starts_from_settings_views_and_functions(spark):
    spark.conf.set("spark.sql.session.timeZone", "Asia/Tokyo")
    spark.range(3).createOrReplaceTempView("numbers")
    spark.sql("CREATE TEMPORARY VIEW words AS SELECT 'a' AS word")
    spark.udf.register("increment", lambda x: x + 1, "long")

    clone = spark.cloneSession()
    clone.conf.set("my.setting", "the clone's")

    assert clone.session_id != spark.session_id
    assert clone.conf.get("spark.sql.session.timeZone") == "Asia/Tokyo"
    assert [row[0] for row in clone.sql("SELECT increment(id) FROM numbers").collect()] == [1, 2, 3]
    assert clone.table("words").collect() == [("a",)]
    assert spark.conf.get("my.setting", "unset") == "unset"
    clone.client.release_session()  # PySpark 4.2 cannot stop() a clone
    assert spark.table("numbers").count() == 3


def test_a_clone_needs_an_id_nobody_has(spark):
    with pytest.raises(Exception, match="TARGET_SESSION_ID_ALREADY_EXISTS"):
        spark.client.clone(spark.session_id)
