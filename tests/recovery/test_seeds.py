"""Random histories: a job dies several times, at random operations, and restarts with other settings."""

import random
from pathlib import Path

from cauce.clock import ManualClock
from cauce.session import Session
from cauce.testing.faulty_disk import FaultyDisk, SimulatedCrash
from tests.recovery.jobs import JOBS, finish, run, write_input

DEATHS_MAX = 4
FAULTS = ("crash_before", "crash_after", "torn_write")
OPERATIONS = 120
"""About as many as a job makes."""


def changed(settings: dict[str, str], chance: random.Random) -> dict[str, str]:
    """What a user may change between two runs."""
    return settings | {
        "spark.sql.streaming.minBatchesToRetain": str(chance.choice([1, 2, 100])),
        "spark.sql.streaming.fileSource.log.deletion": chance.choice(["true", "false"]),
    }


def test_a_random_history_ends_in_the_same_answer(
    crash_seeds: range, session: Session, tmp_path: Path
) -> None:
    """A failure names its seed: `make crash SEED=n` runs that history alone."""
    expected: dict[str, list] = {}
    for seed in crash_seeds:
        chance = random.Random(seed)
        job = JOBS[chance.choice(list(JOBS))]
        if job.name not in expected:
            write_input(tmp_path / job.name / "in")
            expected[job.name] = finish(job, tmp_path / job.name, session)
        folder = tmp_path / f"seed-{seed}"
        write_input(folder / "in")
        settings = {
            "spark.sql.streaming.fileSource.log.compactInterval": str(chance.choice([2, 3, 10])),
            "spark.sql.streaming.fileSink.log.compactInterval": str(chance.choice([2, 3, 10])),
        }
        history = []
        for _ in range(chance.randint(1, DEATHS_MAX)):
            fault, k, power_loss = chance.choice(FAULTS), chance.randrange(OPERATIONS), chance.random() < 0.5
            history.append(f"{fault}={k}{' and power loss' if power_loss else ''}")
            disk, clock = FaultyDisk(**{fault: k}), ManualClock(chance.randrange(2_000_000))
            try:
                run(job, folder, session, disk, settings=changed(settings, chance), clock=clock)
            except SimulatedCrash:
                if power_loss:
                    disk.lose_power(seed=chance.randrange(1000))
        answer = finish(job, folder, session, settings)
        assert answer == expected[job.name], f"seed {seed}: {job.name}, {', '.join(history)}"
