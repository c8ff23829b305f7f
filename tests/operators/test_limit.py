"""LIMIT on a stream counts rows across batches."""

import pyarrow as pa

from cauce.streaming.operators import StreamingLimit

SCHEMA = pa.schema([("letter", pa.string())])


def test_only_the_first_rows_of_the_whole_query_pass(open_store):
    operator = StreamingLimit(SCHEMA, 3, None)
    store = open_store(operator)
    passed, updated = [], []
    for letters in ("ab", "", "cd", "e"):
        batch = pa.table([pa.array(list(letters), pa.string())], schema=SCHEMA)
        rows, metrics = operator.process(
            batch, store, late_watermark_us=None, eviction_watermark_us=None, output_mode="append"
        )
        store.commit()
        passed.append("".join(rows["letter"].to_pylist()))
        updated.append(metrics.rows_updated)
    assert passed == ["ab", "", "c", ""]
    assert updated == [1, 0, 1, 0]
    assert metrics.json_value(store)["operatorName"] == "globalLimit"
    assert not operator.should_run_another_batch(1, 0, "append")
