"""Finding the rows that make a computation fail, by halving."""

from collections.abc import Callable, Iterator

from cauce.errors import SparkError

__all__ = ["Attempt", "poison_rows"]

Attempt = Callable[[int, int], SparkError | None]
"""Compute over the rows from one position up to another; the error if that fails."""


def poison_rows(
    start: int, end: int, error: SparkError, attempt: Attempt
) -> Iterator[tuple[int, SparkError]]:
    """Each row that fails alone, in order, with its own error; `error` is that of all rows together.

    One bad row among n costs about 2n rows of work in 2 log n attempts; k of them at most k times that, and
    the caller stops asking when there are too many. Raises `error` if only the whole fails, and no part.
    """
    if end - start == 1:
        yield start, error
        return
    middle = (start + end) // 2
    found = False
    for first, last in ((start, middle), (middle, end)):
        failure = attempt(first, last)
        if failure is not None:
            found = True
            yield from poison_rows(first, last, failure, attempt)
    if not found:
        raise error
