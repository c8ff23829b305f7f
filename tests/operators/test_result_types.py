"""The types aggregates give are those Apache Spark gave for the same calls."""

import json

import pytest
from pyspark.sql.types import StructType, _parse_datatype_json_value

from cauce.streaming.operators.aggregates.result_types import argument_type, result_type
from tests.operators.aggregate_cases import ANSWERS, SCHEMA

COLUMNS = {field.name: field.dataType for field in StructType.fromJson(SCHEMA).fields}


def test_every_case_that_was_asked():
    for case in json.loads(ANSWERS.read_text()):
        if "type" in case:
            arguments = [COLUMNS[name] for name in case["inputs"]]
            given = result_type(case["function"], arguments, case["parameters"])
            assert given == _parse_datatype_json_value(case["type"]), case


@pytest.mark.parametrize(
    ("function", "given", "taken"),
    [("sum", "string", "double"), ("stddev", "string", "double"), ("min", "string", "string")]
    + [("sum", "decimal(10,2)", "decimal(10,2)"), ("count", "string", "string")],
)
def test_text_is_read_as_a_number_where_one_is_needed(function, given, taken):
    parsed = argument_type(function, _parse_datatype_json_value(given))
    assert parsed == _parse_datatype_json_value(taken)
