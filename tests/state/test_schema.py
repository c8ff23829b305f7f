"""A store is opened only with the schema it was written with, compared by position as Spark does."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from cauce.errors import SparkError
from cauce.files import LocalFileSystem
from cauce.state import StateOptions, StateStore
from tests.state.model import rows_of, table

KEYS = pa.schema([pa.field("user", pa.string()), pa.field("day", pa.date32())])
VALUES = pa.schema([pa.field("count", pa.int64(), nullable=False), pa.field("sum", pa.decimal128(10, 2))])


def open_store(path: Path, reference: dict[str, Any] | None, **changes: Any) -> StateStore:
    arguments = {"key_schema": KEYS, "value_schema": VALUES, **changes}
    return StateStore.open(LocalFileSystem(), str(path), reference=reference, **arguments)


@pytest.fixture
def reference(tmp_path: Path) -> dict[str, Any]:
    store = open_store(tmp_path, None)
    store.put(table([("ana", 1)], KEYS), table([(1, None)], VALUES))
    return store.commit()


def refusal(path: Path, reference: dict[str, Any], **changes: Any) -> SparkError:
    with pytest.raises(SparkError) as caught:
        open_store(path, reference, **changes)
    return caught.value


def test_another_key_type_is_refused_in_sparks_words(tmp_path: Path, reference: dict[str, Any]) -> None:
    error = refusal(tmp_path, reference, key_schema=KEYS.set(0, pa.field("user", pa.int64())))
    assert str(error) == (
        "[STATE_STORE_KEY_SCHEMA_NOT_COMPATIBLE] "
        "Provided key schema does not match existing state key schema.\n"
        "Please check number and type of fields.\n"
        "Existing key_schema="
        "StructType(StructField(user,StringType,true),StructField(day,DateType,true)) and "
        "new key_schema=StructType(StructField(user,LongType,true),StructField(day,DateType,true)).\n"
        "If you want to force running the query without schema validation, please set "
        "spark.sql.streaming.stateStore.stateSchemaCheck to false.\n"
        "However, please note that running the query with incompatible schema could cause "
        "non-deterministic behavior. SQLSTATE: XXKST\n"
        f"State store {tmp_path}: field user was string and is int64 now."
    )


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        (VALUES.set(1, pa.field("sum", pa.decimal128(12, 2))), "field sum was decimal128(10, 2)"),
        (VALUES.set(1, VALUES.field(1).with_nullable(False)), "field sum was nullable"),
        (VALUES.remove(1), "field sum is gone"),
        (VALUES.append(pa.field("max", pa.int64())), "field max was added"),
        (VALUES.insert(0, pa.field("max", pa.int64())), "field count was decimal128(10, 2) and is int64 now"),
    ],
)
def test_other_values_are_refused(
    tmp_path: Path, reference: dict[str, Any], values: pa.Schema, reason: str
) -> None:
    error = refusal(tmp_path, reference, value_schema=values)
    assert error.condition == "STATE_STORE_VALUE_SCHEMA_NOT_COMPATIBLE"
    assert reason in str(error)


def test_names_and_wider_nullability_do_not_matter(tmp_path: Path, reference: dict[str, Any]) -> None:
    values = pa.schema([pa.field("n", pa.int64()), pa.field("total", pa.decimal128(10, 2))])
    store = open_store(tmp_path, reference, value_schema=values)
    assert rows_of(store.get(table([("ana", 1)], KEYS))[1]) == [(1, None)]


def test_fields_may_be_added_where_the_operator_allows_it(tmp_path: Path, reference: dict[str, Any]) -> None:
    wider = {
        "value_schema": VALUES.append(pa.field("max", pa.int64())),
        "options": StateOptions(allow_added_fields=True),
    }
    store = open_store(tmp_path, reference, **wider)
    ana, eva = table([("ana", 1)], KEYS), table([("eva", 2)], KEYS)
    assert rows_of(store.get(ana)[1]) == [(1, None, None)]
    store.put(eva, table([(5, None, 9)], wider["value_schema"]))
    store = open_store(tmp_path, store.commit(), **wider)  # Segments of both schemas.
    assert rows_of(store.get(pa.concat_tables([ana, eva]))[1]) == [(1, None, None), (5, None, 9)]
    assert refusal(tmp_path, store.commit(), options=StateOptions()).condition is not None


def test_a_table_of_another_type_is_refused_before_anything_changes(tmp_path: Path) -> None:
    store = open_store(tmp_path, None)
    with pytest.raises(pa.ArrowInvalid):
        store.put(table([("ana", 1)], KEYS), pa.table({"count": ["one"], "sum": [None]}))
    with pytest.raises(ValueError, match="expected the columns"):
        store.put(table([("ana", 1)], KEYS), pa.table({"count": [1]}))
    assert store.num_rows == 0
