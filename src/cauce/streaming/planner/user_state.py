"""What nodes tell whose state is declared by the user's own code, not by the query."""

from collections.abc import Collection
from typing import Any, Protocol, runtime_checkable

__all__ = ["DeclaresState"]


@runtime_checkable
class DeclaresState(Protocol):
    """A node with state variables of the user's, and properties that a restart is held to."""

    index: int

    @property
    def operator_name(self) -> str: ...

    @property
    def properties(self) -> dict[str, Any]:
        """Plain values, in Spark's words."""
        ...

    @property
    def deleted_stores(self) -> Collection[str]:
        """Names of stores whose state is to go."""
        ...
