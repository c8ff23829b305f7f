"""Two runs of one query: whoever is second is refused, and whoever was thought dead can commit nothing."""

import json
import os

import pytest

from cauce.checkpoint import Checkpoint, CommitEntry, OffsetEntry
from cauce.errors import ConcurrentModificationException, SparkError
from cauce.files import LockedError, open_file_system
from cauce.files.bucket import Bucket
from cauce.files.lease import Lease
from cauce.files.lease import _born as born
from cauce.files.lease import _host as this_host
from cauce.files.object_file_system import ObjectFileSystem
from tests.support.mock_s3 import MockS3

LOCK = "checkpoint/.cauce.lock"


@pytest.fixture
def bucket(s3: MockS3) -> Bucket:
    return ObjectFileSystem().bucket_of("s3a://lake/x")[0]


def left_by(bucket: Bucket, **record: object) -> None:
    bucket.create(LOCK, json.dumps({"holder": "somebody", **record}).encode())


def lease(bucket: Bucket) -> Lease:
    return Lease(bucket, LOCK, "me", lease_s=0.1)


def test_a_second_run_in_the_same_process_is_refused(bucket: Bucket) -> None:
    first = lease(bucket)
    with pytest.raises(LockedError, match="this process"):
        lease(bucket)
    first.release()
    lease(bucket).release()


def test_a_run_elsewhere_that_renews_is_left_alone(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    left_by(bucket, host="elsewhere", pid=1)
    heads = bucket.head

    def renewed(key: str):
        bucket.put(LOCK, json.dumps({"holder": "somebody", "beat": 2}).encode())
        return heads(key)

    monkeypatch.setattr(bucket, "head", renewed)
    with pytest.raises(LockedError, match="somebody"):
        lease(bucket)


def test_a_run_elsewhere_that_is_silent_for_a_lease_is_replaced(bucket: Bucket) -> None:
    left_by(bucket, host="elsewhere", pid=1)
    lease(bucket).release()


def test_a_killed_process_of_this_machine_is_replaced_at_once(bucket: Bucket) -> None:
    mine = lease(bucket)
    record = json.loads(bucket.get(LOCK))
    mine.release()
    bucket.put(LOCK, json.dumps({**record, "pid": 1, "born": "never"}).encode())
    Lease(bucket, LOCK, "me", lease_s=3600).release()


def test_of_several_newcomers_one_gets_it(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    left_by(bucket, released=True)
    replace = bucket.replace

    def beaten(key: str, data: bytes, etag: str):
        bucket.put(LOCK, b'{"holder":"the other newcomer"}')
        return replace(key, data, etag)

    monkeypatch.setattr(bucket, "replace", beaten)
    with pytest.raises(LockedError, match="the other newcomer"):
        lease(bucket)


def test_a_frozen_run_finds_out_at_its_next_renewal(bucket: Bucket) -> None:
    frozen = lease(bucket)
    frozen.renew()
    frozen.check()
    bucket.put(LOCK, b'{"holder":"the next run"}')
    for notice in (frozen.check, frozen.renew):
        with pytest.raises(LockedError, match="the next run"):
            notice()
    frozen.release()
    assert b"the next run" in bucket.get(LOCK)


def test_a_lock_that_somebody_deleted_is_lost(bucket: Bucket) -> None:
    mine = lease(bucket)
    bucket.delete([LOCK])
    for notice in (mine.check, mine.renew):
        with pytest.raises(LockedError, match="gone"):
            notice()


def test_a_renewal_whose_answer_is_lost_has_happened(bucket: Bucket, s3: MockS3) -> None:
    mine = lease(bucket)
    s3.fault(lambda number: "answer lost" if number == 0 else None)
    mine.renew()
    mine.renew()
    mine.release()
    assert bucket.get(LOCK) == b'{"released":true}'


def test_a_store_without_conditional_writes_is_refused(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    def careless(key: str, data: bytes) -> str:
        bucket.put(key, data)
        return bucket.head(key).etag

    monkeypatch.setattr(bucket, "create", careless)
    with pytest.raises(SparkError, match="NO_CONDITIONAL_PUT"):
        lease(bucket)


def test_two_runs_that_both_believe_to_own_a_checkpoint_never_commit_one_batch_twice(s3: MockS3) -> None:
    zombie, owner = (Checkpoint(*open_file_system("s3a://lake/checkpoint")) for _ in range(2))
    offsets, commit = OffsetEntry(0, 0, {}, ("1",)), CommitEntry(0, None)
    zombie.offsets.add(0, offsets)
    owner.commits.add(0, commit)
    for late in (lambda: zombie.offsets.add(0, offsets), lambda: zombie.commits.add(0, commit)):
        with pytest.raises(ConcurrentModificationException, match="CONCURRENT_STREAM_LOG_UPDATE"):
            late()


def test_a_query_that_lost_its_checkpoint_ends(lake, bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Lease, "renewal_s", 0.01)
    query = (
        lake.readStream.format("rate")
        .load()
        .writeStream.format("noop")
        .option("checkpointLocation", "s3a://lake/checkpoint")
    ).start()
    bucket.put(LOCK, b'{"holder":"the next run"}')
    with pytest.raises(Exception, match="CONCURRENT_STREAM_LOG_UPDATE.*the next run"):
        query.awaitTermination(60)


def test_a_checkpoint_in_use_refuses_a_second_query(lake, bucket: Bucket) -> None:
    left_by(bucket, **json.loads(_record_of_a_live_neighbour()))
    query = lake.readStream.format("rate").load().writeStream.format("noop")
    with pytest.raises(Exception, match="CONCURRENT_STREAM_LOG_UPDATE.*somebody"):
        query.option("checkpointLocation", "s3a://lake/checkpoint").start()


def _record_of_a_live_neighbour() -> str:
    pid = os.getppid()
    return json.dumps({"host": this_host(), "pid": pid, "born": born(pid)})
