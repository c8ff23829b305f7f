"""The options of a file reader or writer, by name without regard to case."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from cauce.conf import parse_boolean
from cauce.errors import SparkError

__all__ = ["FormatOptions"]


@dataclass(frozen=True)
class FormatOptions:
    """What the user set, and the zone of timestamps that name none."""

    options: Mapping[str, str] = field(default_factory=dict)
    time_zone: str = "UTC"
    put_aside: Callable[[str, SparkError], None] | None = None
    """Takes the text of a record that a reader in FAILFAST mode would fail on."""

    def get(self, *names: str, default: str = "") -> str:
        """The first of these options that is set."""
        found = {name.lower(): value for name, value in self.options.items()}
        return next((found[name.lower()] for name in names if name.lower() in found), default)

    def has(self, name: str) -> bool:
        return any(key.lower() == name.lower() for key in self.options)

    def flag(self, name: str, default: bool) -> bool:
        return parse_boolean(self.get(name)) if self.has(name) else default
