"""Versions by time: which commit was the newest at a moment, and which came first after it."""

from cauce.delta.errors import DeltaAnalysisException, no_such_version, table_not_found
from cauce.delta.log import DeltaLog
from cauce.delta.moments import spell_moment

__all__ = ["check_version", "commit_times", "version_at", "version_from", "versions_after"]


def commit_times(log: DeltaLog) -> list[tuple[int, int]]:
    """(version, milliseconds), ascending in both: a clock that went back is corrected."""
    times: list[tuple[int, int]] = []
    for version in log.versions():
        moment = log.timestamp_ms(version)
        if times and moment <= times[-1][1]:
            moment = times[-1][1] + 1
        times.append((version, moment))
    return times


def version_at(log: DeltaLog, moment_ms: int, text: str) -> int:
    """The newest version committed at or before a moment (`timestampAsOf`)."""
    times = [(v, t) for v, t in commit_times(log) if v >= log.earliest_recreatable()]
    if not times:
        raise table_not_found(log.path)
    if moment_ms > times[-1][1]:
        raise _too_late(text, times[-1][1])
    before = [version for version, time in times if time <= moment_ms]
    if not before:
        raise DeltaAnalysisException(
            "DELTA_TIMESTAMP_EARLIER_THAN_COMMIT_RETENTION",
            userTimestamp=text,
            commitTs=spell_moment(times[0][1]),
            timestampString=spell_moment(times[0][1]),
        )
    return before[-1]


def version_from(log: DeltaLog, moment_ms: int, text: str) -> int:
    """The first version committed at or after a moment (`startingTimestamp`)."""
    times = commit_times(log)
    after = versions_after(times, moment_ms)
    if not after:
        raise _too_late(text, times[-1][1])
    return after[0]


def versions_after(times: list[tuple[int, int]], moment_ms: int) -> list[int]:
    return [version for version, time in times if time >= moment_ms]


def check_version(log: DeltaLog, version: int) -> None:
    """DELTA_VERSION_NOT_FOUND for a commit that the log does not have."""
    versions = log.versions()
    if not versions or not versions[0] <= version <= versions[-1]:
        raise no_such_version(version, versions[0] if versions else 0, versions[-1] if versions else -1)


def _too_late(text: str, latest_ms: int) -> DeltaAnalysisException:
    return DeltaAnalysisException(
        "DELTA_TIMESTAMP_GREATER_THAN_COMMIT",
        providedTimestamp=text,
        lastCommitTimestamp=spell_moment(latest_ms),
        maximumTimestamp=spell_moment(latest_ms),
    )
