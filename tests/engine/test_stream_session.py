"""A stream's own engine session holds nothing: when Sail has ended it, the next batch opens another."""

import uuid
from collections.abc import Iterator

import pyarrow as pa
import pytest
from pyspark.sql.connect import proto
from pyspark.sql.connect.proto import Relation

from cauce.engine import Engine, EngineSession, StreamEngine, input_leaf, local_relation
from cauce.engine.stream_session import StreamSession
from cauce.engine.substitute import Template
from cauce.plan.build import alias, attribute, call, integer, project, string

ROWS = pa.table({"id": pa.array([1, 2], pa.int64())})
ZONE = "spark.sql.session.timeZone"


@pytest.fixture(scope="module")
def engines() -> Iterator[Engine]:
    engines = Engine()
    yield engines
    engines.stop()


@pytest.fixture
def user(engines: Engine) -> EngineSession:
    return engines.session("tests", str(uuid.uuid4()))


def end(session: EngineSession) -> None:
    context = proto.UserContext(user_id=session.user_id)
    request = proto.ReleaseSessionRequest(session_id=session.session_id, user_context=context)
    session.raw.release_session(request.SerializeToString())


def more() -> Template:
    return Template(project(input_leaf("rows"), [alias(call("+", attribute("id"), integer(1)), "more")]))


def test_an_expired_session_is_replaced(user: EngineSession) -> None:
    own = user.for_stream({ZONE: "America/New_York"})
    assert isinstance(own, StreamSession)
    for rows in (ROWS, pa.table({"id": pa.array(range(300_000), pa.int64())})):
        assert own.run(more(), {"rows": rows})["more"][1].as_py() == rows["id"][1].as_py() + 1
        end(own)
        assert own.run(more(), {"rows": rows})["more"][1].as_py() == rows["id"][1].as_py() + 1
    assert own.config_get(ZONE) == "America/New_York"


def test_touching_a_session_that_is_gone_is_harmless(user: EngineSession) -> None:
    own = user.for_stream({})
    own.run(more(), {"rows": ROWS})
    end(own)
    own.touch()
    assert own.run(more(), {"rows": ROWS}).num_rows == 2


@pytest.mark.parametrize(
    "relation",
    [
        Relation(read=proto.Read(named_table=proto.Read.NamedTable(unparsed_identifier="mine"))),
        Relation(sql=proto.SQL(query="SELECT * FROM mine")),
    ],
    ids=["table", "sql"],
)
def test_names_are_looked_up_in_the_users_session(user: EngineSession, relation: Relation) -> None:
    local = Relation(
        project=proto.Project(input=input_leaf("rows"), expressions=[alias(string("yes"), "mine")])
    )
    view = proto.CreateDataFrameViewCommand(
        input=Template(local).fill({"rows": local_relation(ROWS)}), name="mine"
    )
    user.execute(proto.Command(create_dataframe_view=view))
    engine = StreamEngine(user, {}, always_user=False)
    assert engine.run(Template(relation), {})["mine"].to_pylist() == ["yes", "yes"]
    assert engine.run(more(), {"rows": ROWS}).num_rows == 2
