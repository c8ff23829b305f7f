"""java.util.Random: the numbers a seed gives in Spark."""

import math

__all__ = ["JavaRandom"]

MULTIPLIER, INCREMENT, MASK = 0x5DEECE66D, 0xB, (1 << 48) - 1


class JavaRandom:
    """The linear congruential generator that Java's documentation fixes."""

    def __init__(self, seed: int) -> None:
        self._state = (seed ^ MULTIPLIER) & MASK
        self._next_gaussian: float | None = None

    def next_int(self, bound: int) -> int:
        """From 0 up to the bound."""
        if bound & (bound - 1) == 0:
            return (bound * self._bits(31)) >> 31
        while True:
            bits = self._bits(31)
            value = bits % bound
            if bits - value + bound - 1 < 1 << 31:
                return value

    def next_double(self) -> float:
        """From 0 up to 1."""
        high = self._bits(26)
        return ((high << 27) + self._bits(27)) * 2.0**-53

    def next_gaussian(self) -> float:
        """Of mean 0 and deviation 1, two at a time."""
        if self._next_gaussian is not None:
            found, self._next_gaussian = self._next_gaussian, None
            return found
        while True:
            first, second = 2 * self.next_double() - 1, 2 * self.next_double() - 1
            square = first * first + second * second
            if 0 < square < 1:
                scale = math.sqrt(-2 * math.log(square) / square)
                self._next_gaussian = second * scale
                return first * scale

    def _bits(self, count: int) -> int:
        self._state = (self._state * MULTIPLIER + INCREMENT) & MASK
        return self._state >> (48 - count)
