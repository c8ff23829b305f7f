"""Lost answers, zombies and rivals: each row is in the table once."""

import threading

import pyarrow as pa
import pytest
from pyspark.sql.types import LongType, StructType

from cauce.clock import ManualClock, SystemClock
from cauce.conf import Conf
from cauce.delta.errors import DeltaConcurrentModificationException
from cauce.delta.log import DeltaLog
from cauce.delta.reading import read_files
from cauce.delta.transaction import Operation, Transaction
from cauce.files import LocalFileSystem
from cauce.streaming.sinks import SinkContext, SinkOptions
from cauce.streaming.sinks.delta import DeltaSink

SCHEMA = StructType().add("id", LongType())


class LosesAnswers(LocalFileSystem):
    """Every commit goes through, or not, and the writer hears of a broken connection."""

    def __init__(self, *, arrives: bool) -> None:
        super().__init__()
        self.arrives = arrives
        self.lost = 0

    def write_durable(self, path, data, *, overwrite=False):
        if "_delta_log" in path and self.lost < 1:
            self.lost += 1
            if self.arrives:
                super().write_durable(path, data, overwrite=overwrite)
            raise ConnectionError("the answer got lost")
        super().write_durable(path, data, overwrite=overwrite)


@pytest.fixture
def sink(path):
    def make(query_id="11111111-2222-3333-4444-555555555555", file_system=None, mode="append"):
        context = SinkContext(
            clock=SystemClock(),
            conf=Conf({}),
            file_system=file_system or LocalFileSystem(),
            engine=None,
            session=None,
            query_id=query_id,
            schema=SCHEMA,
        )
        return DeltaSink(SinkOptions("delta", mode, path=path), context)

    return make


def batch(*ids):
    return pa.table({"id": pa.array(ids, pa.int64())})


def stored(path):
    snapshot = DeltaLog.open(path).existing()
    return sorted(read_files(path, snapshot.files.values(), snapshot.table)["id"].to_pylist())


def test_a_commit_whose_answer_got_lost_is_found(sink, path):
    sink(file_system=LosesAnswers(arrives=True)).add_batch(0, batch(1, 2))
    assert stored(path) == [1, 2]
    assert DeltaLog.open(path).versions() == [0]


def test_a_commit_that_never_arrived_is_an_error_and_the_restart_writes_it(sink, path):
    with pytest.raises(ConnectionError):
        sink(file_system=LosesAnswers(arrives=False)).add_batch(0, batch(1, 2))
    sink().add_batch(0, batch(1, 2))
    assert stored(path) == [1, 2]


def test_a_restart_after_a_lost_answer_repeats_nothing(sink, path):
    sink().add_batch(0, batch(1))
    sink().add_batch(0, batch(1))
    assert stored(path) == [1]
    assert DeltaLog.open(path).versions() == [0]


def test_a_zombie_run_of_the_same_query_cannot_write_a_batch_again(sink, path):
    first, second = sink(), sink()
    for batch_id in range(3):
        first.add_batch(batch_id, batch(batch_id))
        second.add_batch(batch_id, batch(batch_id))
    assert stored(path) == [0, 1, 2]


def test_a_zombie_that_looked_before_the_commit_is_refused(sink, path):
    sink().add_batch(0, batch(1))
    zombie = Transaction(DeltaLog.open(path), ManualClock())
    assert zombie.version_of("query") == -1
    winner = Transaction(DeltaLog.open(path), ManualClock())
    winner.version_of("query")
    for each in (winner, zombie):
        each.set_transaction("query", 1)
    winner.commit(Operation("STREAMING UPDATE"))
    with pytest.raises(DeltaConcurrentModificationException) as caught:
        zombie.commit(Operation("STREAMING UPDATE"))
    assert caught.value.class_hierarchy[0] == "io.delta.exceptions.ConcurrentTransactionException"


def test_two_queries_may_create_the_table_at_once(sink, path):
    other = sink(query_id="other")
    first = sink()
    other._log.update()
    first.add_batch(0, batch(1))
    other.add_batch(0, batch(2))
    assert stored(path) == [1, 2]


def test_writers_at_the_same_time_lose_nothing(sink, path, request):
    """8 writers x 500 commits: `pytest --delta-commits 500`."""
    writers, commits = 8, request.config.getoption("--delta-commits", default=12)
    errors = []

    def write(number):
        try:
            mine = sink(query_id=f"query-{number}")
            for batch_id in range(commits):
                mine.add_batch(batch_id, batch(number * 1_000_000 + batch_id))
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(writers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert stored(path) == sorted(n * 1_000_000 + b for n in range(writers) for b in range(commits))
    assert DeltaLog.open(path).versions()[-1] == writers * commits - 1


@pytest.mark.parametrize("lost", range(20))
def test_answers_lost_again_and_again(sink, path, lost):
    """Two of three commits lose their answer, half of them before they arrive."""
    for batch_id in range(4):
        while True:
            file_system = LosesAnswers(arrives=(batch_id + lost) % 2 == 0)
            file_system.lost = (batch_id + lost) % 3 // 2
            try:
                sink(file_system=file_system).add_batch(batch_id, batch(batch_id))
                break
            except ConnectionError:
                lost += 1
    assert stored(path) == [0, 1, 2, 3]
