"""The table of all aggregate functions by Spark's name."""

import dataclasses
from collections.abc import Callable
from functools import partial

import numpy as np
import pyarrow as pa

from cauce.errors import AnalysisException
from cauce.streaming.operators.aggregates import covariance as pairs
from cauce.streaming.operators.aggregates import moments
from cauce.streaming.operators.aggregates.aggregate import Aggregate
from cauce.streaming.operators.aggregates.average import Average, TryAverage
from cauce.streaming.operators.aggregates.bitwise import Bitwise
from cauce.streaming.operators.aggregates.collect import CollectList, CollectSet, Distinct, ListAgg
from cauce.streaming.operators.aggregates.count import Count, CountIf
from cauce.streaming.operators.aggregates.covariance import Correlation, Covariance
from cauce.streaming.operators.aggregates.extremes import Max, Min
from cauce.streaming.operators.aggregates.first_last import First, Last
from cauce.streaming.operators.aggregates.histogram_numeric import HistogramNumeric
from cauce.streaming.operators.aggregates.hyper_log_log import ApproxCountDistinct
from cauce.streaming.operators.aggregates.moments import Moments
from cauce.streaming.operators.aggregates.ordered import MaxBy, MinBy
from cauce.streaming.operators.aggregates.percentile_approx import PercentileApprox
from cauce.streaming.operators.aggregates.product import Product
from cauce.streaming.operators.aggregates.rows import AggregateCall
from cauce.streaming.operators.aggregates.sum import Sum, TrySum
from cauce.streaming.operators.aggregates.value_counts import Mode, Percentile
from cauce.streaming.operators.physical import in_utc

__all__ = ["AGGREGATES", "UNSUPPORTED_AGGREGATES", "build"]


def _min(call: AggregateCall) -> Aggregate:
    return MinBy(call) if pa.types.is_struct(call.input_types[0]) else Min(call)


def _max(call: AggregateCall) -> Aggregate:
    return MaxBy(call) if pa.types.is_struct(call.input_types[0]) else Max(call)


def build(call: AggregateCall) -> Aggregate:
    """The aggregate of a call; an AnalysisException if it is called in a way that is not supported."""
    function = AGGREGATES[call.function]
    call = dataclasses.replace(call, input_types=tuple(in_utc(kind) for kind in call.input_types))
    if len(call.parameters) > PARAMETERS_MAX.get(call.function, 0):
        count = len(call.inputs) + len(call.parameters)
        raise AnalysisException(None, f"{call.function} with {count} arguments is not supported on streams.")
    return Distinct(call, function) if call.distinct else function(call)


PARAMETERS_MAX = {
    "approx_count_distinct": 1,
    "approx_percentile": 2,
    "histogram_numeric": 1,
    "listagg": 1,
    "mode": 1,
    "percentile": 2,
    "percentile_approx": 2,
    "string_agg": 1,
}
"""How many literals follow the columns; none where nothing is said."""

UNSUPPORTED_AGGREGATES = frozenset(
    {
        "approx_top_k", "approx_top_k_accumulate", "bitmap_construct_agg", "bitmap_or_agg",
        "count_min_sketch",
        "grouping", "grouping_id", "hll_sketch_agg", "hll_union_agg",
        "kll_sketch_agg_bigint", "kll_sketch_agg_double", "kll_sketch_agg_float", "percentile_cont",
        "percentile_disc", "schema_of_json_agg", "schema_of_variant_agg", "theta_sketch_agg",
        "theta_union_agg",
    }
)  # fmt: skip
"""Spark's other aggregates."""

AGGREGATES: dict[str, Callable[[AggregateCall], Aggregate]] = {
    "any": _max,
    "any_value": First,
    "array_agg": CollectList,
    "approx_count_distinct": ApproxCountDistinct,
    "approx_percentile": PercentileApprox,
    "avg": Average,
    "bit_and": partial(Bitwise, function=np.bitwise_and, merge="bit_wise_and"),
    "bit_or": partial(Bitwise, function=np.bitwise_or, merge="bit_wise_or"),
    "bit_xor": partial(Bitwise, function=np.bitwise_xor, merge="bit_wise_xor"),
    "bool_and": _min,
    "bool_or": _max,
    "collect_list": CollectList,
    "collect_set": CollectSet,
    "corr": Correlation,
    "count": Count,
    "count_if": CountIf,
    "covar_pop": partial(Covariance, result=pairs.covar_pop),
    "covar_samp": partial(Covariance, result=pairs.covar_samp),
    "every": _min,
    "first": First,
    "first_value": First,
    "histogram_numeric": HistogramNumeric,
    "kurtosis": partial(Moments, order=4, result=moments.kurtosis),
    "last": Last,
    "last_value": Last,
    "listagg": ListAgg,
    "max": _max,
    "max_by": MaxBy,
    "mean": Average,
    "median": Percentile,
    "min": _min,
    "min_by": MinBy,
    "mode": Mode,
    "percentile": Percentile,
    "percentile_approx": PercentileApprox,
    "product": Product,
    "regr_avgx": partial(Covariance, result=pairs.regr_avgx),
    "regr_avgy": partial(Covariance, result=pairs.regr_avgy),
    "regr_count": partial(Covariance, result=pairs.regr_count),
    "regr_intercept": partial(Covariance, result=pairs.regr_intercept),
    "regr_r2": partial(Covariance, result=pairs.regr_r2),
    "regr_slope": partial(Covariance, result=pairs.regr_slope),
    "regr_sxx": partial(Covariance, result=pairs.regr_sxx),
    "regr_sxy": partial(Covariance, result=pairs.regr_sxy),
    "regr_syy": partial(Covariance, result=pairs.regr_syy),
    "skewness": partial(Moments, order=3, result=moments.skewness),
    "some": _max,
    "std": partial(Moments, order=2, result=moments.stddev_samp),
    "stddev": partial(Moments, order=2, result=moments.stddev_samp),
    "stddev_pop": partial(Moments, order=2, result=moments.stddev_pop),
    "stddev_samp": partial(Moments, order=2, result=moments.stddev_samp),
    "string_agg": ListAgg,
    "sum": Sum,
    "try_avg": TryAverage,
    "try_sum": TrySum,
    "var_pop": partial(Moments, order=2, result=moments.var_pop),
    "var_samp": partial(Moments, order=2, result=moments.var_samp),
    "variance": partial(Moments, order=2, result=moments.var_samp),
}
