"""ML attributes: what a column's metadata tells of its features (names, categories, sizes).

They live under `ml_attr` in a field's metadata, spelled as Spark spells them:
https://spark.apache.org/docs/latest/api/scala/org/apache/spark/ml/attribute/index.html
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from pyspark.ml.linalg import VectorUDT
from pyspark.sql.types import DoubleType, StructField

__all__ = ["ML_ATTR", "Attribute", "AttributeGroup", "binary", "nominal", "numeric"]

ML_ATTR = "ml_attr"


@dataclass(frozen=True)
class Attribute:
    """One feature: numeric, nominal (a category), binary, or unresolved (kind None: nothing is known).

    `details` are the other entries of its JSON: vals, num_vals, ord, min, max, std, sparsity.
    """

    kind: str | None = None
    name: str | None = None
    details: dict[str, Any] = field(default_factory=dict)

    @staticmethod
    def of(column: StructField) -> "Attribute":
        """The attribute of a number column; unresolved if its metadata says nothing."""
        found = (column.metadata or {}).get(ML_ATTR)
        return Attribute() if found is None else replace(_parsed(found), name=column.name)

    @property
    def values(self) -> list[str] | None:
        """The names of the categories, if known."""
        return self.details.get("vals")

    @property
    def category_count(self) -> int | None:
        """How many categories there are, if known."""
        if self.values is not None:
            return len(self.values)
        return 2 if self.kind == "binary" else self.details.get("num_vals")

    @property
    def is_nominal(self) -> bool:
        """Whether its values are categories."""
        return self.kind in ("nominal", "binary")

    def named(self, name: str | None) -> "Attribute":
        """The same feature under another name."""
        return replace(self, name=name)

    def metadata(self) -> dict[str, Any]:
        """A column's metadata that says this; numeric is what is meant without a type."""
        kind = {} if self.kind == "numeric" else {"type": self.kind}
        return {ML_ATTR: {**kind, **self.as_json()}}

    def as_json(self) -> dict[str, Any]:
        """What is known, but for the kind."""
        return {**({} if self.name is None else {"name": self.name}), **self.details}

    def as_field(self) -> StructField:
        """A column of this attribute's name, as Spark's toStructField makes it."""
        return StructField(str(self.name), DoubleType(), False, self.named(None).metadata())


def numeric(name: str | None = None, **details: Any) -> Attribute:
    """A number."""
    return Attribute("numeric", name, details)


def nominal(name: str | None = None, **details: Any) -> Attribute:
    """A category: `vals` their names, or `num_vals` how many."""
    return Attribute("nominal", name, details)


def binary(name: str | None = None, **details: Any) -> Attribute:
    """A category of two."""
    return Attribute("binary", name, details)


@dataclass(frozen=True)
class AttributeGroup:
    """The features of a vector column: every one, or just how many (`count`), or nothing."""

    attributes: tuple[Attribute, ...] | None = None
    count: int | None = None

    @staticmethod
    def of(column: StructField) -> "AttributeGroup":
        """What a vector column's metadata says."""
        found = (column.metadata or {}).get(ML_ATTR, {})
        if "attrs" not in found:
            return AttributeGroup(count=found.get("num_attrs"))
        known = {
            entry["idx"]: _parsed({"type": kind, **entry})
            for kind, entries in found["attrs"].items()
            for entry in entries
        }
        return AttributeGroup(tuple(known.get(index, numeric()) for index in range(found["num_attrs"])))

    @staticmethod
    def all(attributes: Sequence[Attribute]) -> "AttributeGroup":
        """A group of known features."""
        return AttributeGroup(tuple(attributes))

    @property
    def size(self) -> int:
        """How many features, -1 if unknown."""
        if self.attributes is not None:
            return len(self.attributes)
        return -1 if self.count is None else self.count

    def metadata(self) -> dict[str, Any]:
        """A column's metadata that says this."""
        if self.attributes is None:
            return {ML_ATTR: {} if self.count is None else {"num_attrs": self.count}}
        entries: dict[str, list[dict[str, Any]]] = {}
        for index, attribute in enumerate(self.attributes):
            # A number of which nothing is known is what a missing entry means.
            if attribute.kind is not None and attribute != numeric():
                entries.setdefault(attribute.kind, []).append({"idx": index, **attribute.as_json()})
        return {ML_ATTR: {"attrs": entries, "num_attrs": len(self.attributes)}}

    def as_field(self, name: str) -> StructField:
        """A vector column, as Spark's toStructField makes it."""
        return StructField(name, VectorUDT(), False, self.metadata())


def _parsed(found: dict[str, Any]) -> Attribute:
    details = {key: value for key, value in found.items() if key not in ("type", "name", "idx")}
    return Attribute(found.get("type", "numeric"), found.get("name"), details)
