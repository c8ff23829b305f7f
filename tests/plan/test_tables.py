"""Which tables a SQL text reads, told without parsing it."""

import pytest

from cauce.plan.tables import identifier_parts, normalized_name, referenced_tables


@pytest.mark.parametrize(
    ("sql", "tables"),
    [
        ("SELECT a FROM t", {"t"}),
        ("select * from A, b c, (select * from d) e join f on x = y, g", {"a", "b", "d", "f", "g"}),
        ("SELECT * FROM t WHERE k IN (SELECT l FROM m)", {"t", "m"}),
        ("SELECT * FROM (a JOIN b), c", {"a", "b", "c"}),
        ("WITH x AS (SELECT * FROM y) SELECT * FROM x", {"x", "y"}),
        ("SELECT * FROM STREAM(t) s, r", {"t", "r"}),
        ("SELECT * FROM STREAM t WATERMARK ts DELAY OF INTERVAL 1 MINUTE", {"t"}),
        ("SELECT 'from z' -- from q\n, /* from p */ \"from o\" FROM t", {"t"}),
        ("SELECT * FROM `My Table`.`x.y`, db.t", {"my table.x.y", "db.t"}),
        ("SELECT * FROM t LATERAL VIEW explode(a) b AS c", {"t"}),
        ("INSERT INTO t SELECT * FROM u", {"u"}),
        ("TABLE t", {"t"}),
        ("SELECT * FROM t AS x(a, b), u", {"t", "u"}),
        ("SELECT a, b", set()),
        ("VALUES (1, 2)", set()),
        ("((((", set()),
        ("DESCRIBE 'unclosed FROM", set()),
        ("", set()),
    ],
)
def test_tables_of_a_text(sql, tables):
    assert referenced_tables(sql) == tables


def test_where_the_text_is_ambiguous_it_names_too_much():
    assert referenced_tables("SELECT extract(year FROM ts) FROM t") == {"t", "ts"}


def test_names_compare_without_case_and_quotes():
    assert normalized_name("`Db`.`T`") == normalized_name("db.t") == "db.t"
    assert identifier_parts("`a``b.c`.d") == ["a`b.c", "d"]
