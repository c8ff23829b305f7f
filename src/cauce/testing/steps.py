"""The moments of a batch at which a test can kill the process, in Spark's order."""

from dataclasses import dataclass

__all__ = ["STEPS", "Step"]


@dataclass(frozen=True)
class Step:
    """A moment: at the disk (an operation of a kind in a folder of the checkpoint), or around the sink."""

    meaning: str
    folder: str = ""
    kind: str = ""
    fault: str = "crash_before"
    """The fault of `FaultyDisk` that is armed; for the sink, "before" or "after"."""

    @property
    def at_sink(self) -> bool:
        return not self.folder


STEPS = {
    "before offsets": Step("the sources were asked; the batch is not logged", "/offsets/"),
    "offsets half written": Step("offsets/N is not whole yet", "/offsets/", fault="torn_write"),
    "after offsets": Step(
        "the batch is logged, nothing is computed", "/offsets", "sync_folder", "crash_after"
    ),
    "state half written": Step("a state store is committing", "/state/", fault="torn_write"),
    "before sink": Step("state is durable, the sink has nothing", fault="before"),
    "after sink": Step("the sink has the batch, it is not committed", fault="after"),
    "commit half written": Step("commits/N is not whole yet", "/commits/", fault="torn_write"),
    "after commit": Step("the batch is done", "/commits", "sync_folder", "crash_after"),
}
"""By the name that `StreamTest.crash` takes."""
