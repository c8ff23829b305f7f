"""The conditions of partitions are those that Spark logs (JDBCRelation.columnPartition of Spark 4.2)."""

import pytest
from pyspark.sql.types import DateType, IntegerType, StructType, TimestampType

from cauce.jdbc.options import JdbcOptions
from cauce.jdbc.partitions import conditions
from cauce.jdbc.postgresql import PostgreSQL

COLUMNS = StructType().add("id", IntegerType()).add("day", DateType()).add("at", TimestampType())


def parts(column: str, lower: object, upper: object, count: int) -> list[str]:
    given = {
        "url": "jdbc:postgresql:x",
        "dbtable": "t",
        "partitionColumn": column,
        "lowerBound": str(lower),
        "upperBound": str(upper),
        "numPartitions": str(count),
    }
    return conditions(JdbcOptions.parse(given), (), COLUMNS, PostgreSQL())


@pytest.mark.parametrize(
    ("bounds", "expected"),
    [
        (("id", 0, 4, 2), ['"id" < 2 or "id" is null', '"id" >= 2']),
        (("id", 1, 4, 3), ['"id" < 2 or "id" is null', '"id" >= 2 AND "id" < 3', '"id" >= 3']),
        (
            ("id", 0, 10, 4),
            ['"id" < 3 or "id" is null', '"id" >= 3 AND "id" < 5', '"id" >= 5 AND "id" < 7', '"id" >= 7'],
        ),
        (("ID", 0, 4, 1), [""]),
        (("id", 3, 3, 5), [""]),
        (("id", 0, 2, 9), ['"id" < 1 or "id" is null', '"id" >= 1']),
        (
            ("day", "2026-01-01", "2026-01-05", 2),
            ['"day" < \'2026-01-03\' or "day" is null', "\"day\" >= '2026-01-03'"],
        ),
    ],
)
def test_conditions(bounds: tuple[str, object, object, int], expected: list[str]) -> None:
    assert parts(*bounds) == expected
