"""Owning a checkpoint for as long as a change to it takes."""

from collections.abc import Iterator
from contextlib import contextmanager

from cauce.checkpoint.checkpoint import Checkpoint
from cauce.checkpoint.rewind import finish_rewind

__all__ = ["owned"]


@contextmanager
def owned(checkpoint: Checkpoint) -> Iterator[None]:
    """ConcurrentModificationException if a query runs on it; a rewind cut short is finished first."""
    checkpoint.acquire()
    try:
        finish_rewind(checkpoint)
        yield
    finally:
        checkpoint.release()
