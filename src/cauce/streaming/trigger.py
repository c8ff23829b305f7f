"""When the next micro-batch starts, and when there is none any more."""

from dataclasses import dataclass

__all__ = ["Trigger"]


@dataclass(frozen=True)
class Trigger:
    """A description of the user's trigger.

    `interval_ms` 0 starts a batch as soon as there is data; continuous and real-time triggers are
    served that way, because a micro-batch takes about as long as their promised latency.
    """

    interval_ms: int = 0
    once: bool = False
    available_now: bool = False
    asked_for: str = ""
    """`continuous` or `real time`, if that is what the user wanted."""

    @property
    def ends_by_itself(self) -> bool:
        return self.once or self.available_now

    def next_start_ms(self, now_ms: int) -> int:
        """The first multiple of the interval after `now_ms`, as Spark's ProcessingTimeExecutor."""
        if self.interval_ms == 0:
            return now_ms
        return now_ms // self.interval_ms * self.interval_ms + self.interval_ms

    def __str__(self) -> str:
        if self.once:
            return "OneTimeTrigger"
        return "AvailableNowTrigger" if self.available_now else f"ProcessingTimeTrigger({self.interval_ms})"
