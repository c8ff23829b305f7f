"""The cases that tell an engine with Spark's event time from others: what each is, where it is told."""

__all__ = ["TELLING"]

TELLING = {
    "telling_watermarks": {
        1: "append gives a window once the watermark has passed it, and late rows are dropped",
        2: "update gives each changed row, and drops late ones",
        3: "complete gives everything, and nothing is late",
        4: "the event time itself as the key",
        5: "without batches that have no data, a window waits for the next row",
        13: "late is judged by the watermark of the batch before",
        14: "a row between the two watermarks still counts in update mode",
    },
    "telling_global_watermark": {
        6: "the slower of two streams holds the watermark back",
        7: "a restart knows the global watermark, not the streams'",
        8: "under the policy max the faster stream leads",
        9: "once runs one batch, so windows close in the next run",
        15: "a watermark pending at a restart waits for data",
    },
    "telling_windows": {
        10: "a delay below zero is refused",
        11: "a second watermark is refused",
        12: "two event times before one stateful operator are refused",
        16: "windows before 1970",
        17: "slide and start of a window",
    },
    "telling_chains": {
        18: "three aggregations of 5, 10 and 20 seconds",
        19: "duplicates dropped, then windows",
        20: "joined by equal times, then windows",
        21: "windows, then duplicates dropped by window time",
        22: "joined within an hour, then windows that wait for the join's state",
    },
    "telling_joins": {
        23: "left outer by windows: nulls after the watermark",
        24: "left rows that fail a condition of their own get nulls at once",
        25: "right rows that fail a condition of their own leave nulls for the eviction",
        26: "left outer by a time range",
        27: "a stream joined with itself",
        28: "a time range in one direction",
        29: "full outer by windows",
    },
    "telling_duplicates": {
        30: "duplicates within the watermark",
        31: "duplicates within the watermark, by a key seen again later",
        32: "duplicates by key and time",
        33: "duplicates by key alone, remembered for ever",
        34: "a limit counts over batches",
    },
    "telling_sessions": {
        35: "an event that merges two sessions",
        36: "a session is late by its own end",
        37: "gaps of nothing and less",
        38: "sessions that touch",
    },
    "telling_timeouts": {39: "timeouts fire strictly before the watermark"},
    "transform_with_state_event_timers": {
        40: "transformWithState with a timer after each user's latest event"
    },
}
"""Program -> its cases by number; in a `telling_` program each case is a key of the golden."""
