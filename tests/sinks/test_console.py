"""The console sink prints what Spark prints."""

import pyarrow as pa
import pytest

from cauce.errors import IllegalArgumentException
from cauce.streaming.sinks import SinkOptions
from cauce.streaming.sinks.console import ConsoleSink

ROWS = pa.table({"id": [1, None, 3], "name": ["Ana", None, "a name longer than twenty characters"]})


def console(context, **options):
    return ConsoleSink(SinkOptions("console", "append", options=options), context)


def test_a_batch_is_a_title_and_a_table(context, printed):
    assert console(context).add_batch(7, ROWS) == 3
    expected = """\
-------------------------------------------
Batch: 7
-------------------------------------------
+----+--------------------+
|  id|                name|
+----+--------------------+
|   1|                 Ana|
|NULL|                NULL|
|   3|a name longer tha...|
+----+--------------------+

"""
    assert "".join(printed) == expected


def test_rows_beyond_num_rows_are_announced_and_cells_can_be_whole(context, printed):
    console(context, numRows="1", truncate="false").add_batch(0, ROWS.slice(1))
    expected = """\
-------------------------------------------
Batch: 0
-------------------------------------------
+----+----+
|id  |name|
+----+----+
|NULL|NULL|
+----+----+
only showing top 1 row
"""
    assert "".join(printed) == expected


def test_an_empty_batch_prints_an_empty_table(context, printed):
    assert console(context).add_batch(1, ROWS.slice(0, 0)) == 0
    expected = """\
-------------------------------------------
Batch: 1
-------------------------------------------
+---+----+
| id|name|
+---+----+
+---+----+

"""
    assert "".join(printed) == expected


def test_options_are_refused_in_sparks_words(context):
    with pytest.raises(IllegalArgumentException, match="yes is not a boolean string"):
        console(context, truncate="yes")
