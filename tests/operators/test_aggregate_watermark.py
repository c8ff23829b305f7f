"""Aggregation over event-time windows: what leaves when, and which rows come too late.

The inputs and answers are those of Apache Spark's EventTimeWatermarkSuite, or were measured on it.
"""


def test_append_gives_a_window_once_the_watermark_passes_its_end(counts):
    stream = counts("append")
    assert stream.add_data(*range(10, 16)) == {}
    assert stream.add_data(25) == {10: 5}
    assert stream.state_rows == 2
    assert stream.add_data(10) == {}
    assert stream.rows_dropped == 1


def test_update_gives_changed_windows_and_evicts_silently(counts):
    stream = counts("update")
    assert stream.add_data(*range(10, 16)) == {10: 5, 15: 1}
    assert stream.add_data(25) == {25: 1}
    assert stream.add_data(10, 25) == {25: 2}
    assert stream.rows_dropped == 1
    assert stream.add_data(10) == {}
    assert stream.state_rows == 2


def test_complete_gives_everything_and_nothing_is_late(counts):
    stream = counts("complete")
    assert stream.add_data(10, 11, 12) == {10: 3}
    assert stream.add_data(25) == {10: 3, 25: 1}
    assert stream.add_data(25) == {10: 3, 25: 2}
    assert stream.add_data(10) == {10: 4, 25: 2}
    assert stream.rows_dropped == 0


def test_grouping_by_the_raw_event_time(counts):
    stream = counts("append", window=False)
    assert stream.add_data(10) == {}
    assert stream.add_data(25) == {10: 1}
    assert stream.add_data(15, 16) == {}
    assert stream.rows_dropped == 1


def test_without_no_data_batches_the_answer_waits_for_the_next_row(counts):
    stream = counts("append", no_data_batches=False)
    assert stream.add_data(*range(10, 16)) == {}
    assert stream.add_data(25) == {}
    assert stream.add_data(26) == {10: 5}


def test_trigger_once_applies_the_watermark_in_the_next_run(counts):
    stream = counts("append", no_data_batches=False)
    answers = []
    for seconds in ([15], [10, 12, 14], [25], [50], [50]):
        stream = stream.restart()
        answers.append(stream.add_data(*seconds))
    assert answers == [{}, {}, {}, {10: 3}, {15: 1, 25: 1}]


def test_late_rows_are_judged_by_the_watermark_of_the_batch_before(counts):
    stream = counts("append", no_data_batches=False)
    assert stream.add_data(11, 25) == {}
    assert stream.add_data(12, 27) == {10: 2}
    assert stream.add_data(13, 28) == {}
    assert stream.rows_dropped == 1


def test_update_takes_a_row_that_is_late_only_for_this_batch(counts):
    stream = counts("update", no_data_batches=False)
    assert stream.add_data(11, 12) == {10: 2}
    assert stream.add_data(13, 25) == {10: 3, 25: 1}
    assert stream.add_data(10) == {10: 4}


def test_late_rows_are_counted_by_group_not_by_row(counts):
    stream = counts("append")
    stream.add_data(100)
    stream.add_data(*[10] * 6, *[15] * 4)
    assert stream.rows_dropped == 2


def test_a_window_that_ends_at_time_zero_is_late_from_the_start(counts):
    stream = counts("update")
    assert stream.add_data(-1) == {}
    assert stream.rows_dropped == 1


def test_progress_counts_updated_and_removed_rows(counts):
    stream = counts("append")
    stream.add_data(10, 15, 20)
    metrics = stream.stream.metrics
    value = metrics.json_value(stream.stream.store)
    assert value["operatorName"] == "stateStoreSave"
    assert (value["numRowsTotal"], value["numRowsUpdated"], value["numRowsRemoved"]) == (3, 0, 0)
    stream.stream.no_data_batches = False
    stream.add_data(12, 36)
    value = stream.stream.metrics.json_value(stream.stream.store)
    assert (value["numRowsTotal"], value["numRowsUpdated"], value["numRowsRemoved"]) == (4, 2, 0)
    stream.add_data(37)
    value = stream.stream.metrics.json_value(stream.stream.store)
    assert (value["numRowsTotal"], value["numRowsUpdated"], value["numRowsRemoved"]) == (1, 1, 3)
