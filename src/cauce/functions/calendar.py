"""Functions of dates."""

import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["date_diff", "weekday"]


def weekday(moments: pa.Array) -> pa.Array:
    """Monday is 0; dates, moments in the session's zone, or texts that begin with a date."""
    return pc.cast(pc.day_of_week(_dates(moments)), pa.int32())


def date_diff(ends: pa.Array, starts: pa.Array) -> pa.Array:
    """Days from start to end."""
    return pc.subtract(_dates(ends).view(pa.int32()), _dates(starts).view(pa.int32()))


def _dates(values: pa.Array) -> pa.Array:
    """Each value's date; for a moment, the date on the clocks of its zone."""
    if pa.types.is_timestamp(values.type):
        local = values if values.type.tz is None else pc.local_timestamp(values)
        return pc.cast(pc.floor_temporal(local, unit="day"), pa.date32())
    if pa.types.is_string(values.type) or pa.types.is_large_string(values.type):
        trimmed = pc.utf8_slice_codeunits(pc.utf8_trim_whitespace(values), 0, 10)
        return pc.cast(trimmed, pa.date32())
    return pc.cast(values, pa.date32())
