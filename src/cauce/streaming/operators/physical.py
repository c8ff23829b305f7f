"""Arrow types as the aggregation kernels take them, and back."""

import pyarrow as pa

from cauce.streaming.operators.kernels import Column, pc

__all__ = ["in_utc", "logical", "normalized", "one_piece", "physical", "physical_type"]


def physical_type(data_type: pa.DataType) -> pa.DataType:
    """The type Arrow's aggregation kernels take: times as integers, one layout of strings."""
    if pa.types.is_timestamp(data_type) or pa.types.is_duration(data_type) or pa.types.is_time64(data_type):
        return pa.int64()
    if pa.types.is_date32(data_type):
        return pa.int32()
    if pa.types.is_large_string(data_type) or pa.types.is_string_view(data_type):
        return pa.string()
    if pa.types.is_large_binary(data_type) or pa.types.is_binary_view(data_type):
        return pa.binary()
    return data_type


def physical(column: Column) -> Column:
    """The column in its physical type; integers under a time type are shared, not copied."""
    wanted = physical_type(column.type)
    if wanted == column.type:
        return column
    if not pa.types.is_integer(wanted):
        return column.cast(wanted)
    if isinstance(column, pa.Array):
        return column.view(wanted)
    return pa.chunked_array([chunk.view(wanted) for chunk in column.chunks], wanted)


def logical(array: pa.Array, data_type: pa.DataType) -> pa.Array:
    """The reverse of `physical`."""
    if array.type == data_type:
        return array
    if pa.types.is_integer(array.type) and physical_type(data_type) == array.type:
        return array.view(data_type)
    return array.cast(data_type)


def one_piece(column: Column) -> pa.Array:
    """The column as one array; nothing is copied if it is one already."""
    if isinstance(column, pa.Array):
        return column
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


def in_utc(data_type: pa.DataType) -> pa.DataType:
    """The type with instants labelled UTC, so that state does not depend on the session's time zone."""
    if pa.types.is_timestamp(data_type):
        return data_type if data_type.tz is None else pa.timestamp(data_type.unit, "UTC")
    if pa.types.is_struct(data_type):
        return pa.struct([field.with_type(in_utc(field.type)) for field in data_type])
    if pa.types.is_list(data_type):
        return pa.list_(data_type.value_field.with_type(in_utc(data_type.value_type)))
    if pa.types.is_map(data_type):
        return pa.map_(in_utc(data_type.key_type), in_utc(data_type.item_type))
    return data_type


def normalized(column: Column) -> Column:
    """One NaN and one zero, as Spark compares and hashes them (NormalizeFloatingNumbers.scala)."""
    if not pa.types.is_floating(column.type):
        return column
    zero, nan = pa.scalar(0.0, column.type), pa.scalar(float("nan"), column.type)
    return pc.if_else(pc.is_nan(column), nan, pc.add(column, zero))
