"""Aggregate functions as mergeable columns: partial over a batch, merge with what is stored, finish.

Imported by the aggregation operators; imports Arrow, numpy and errors only. An aggregate declares its
buffer columns, so that state is plain columns, never pickles. Sketch functions of Apache DataSketches
are not here.
"""

from cauce.streaming.operators.aggregates.aggregate import Aggregate
from cauce.streaming.operators.aggregates.aggregation import Aggregation
from cauce.streaming.operators.aggregates.registry import AGGREGATES, UNSUPPORTED_AGGREGATES
from cauce.streaming.operators.aggregates.rows import AggregateCall

__all__ = ["AGGREGATES", "UNSUPPORTED_AGGREGATES", "Aggregate", "AggregateCall", "Aggregation"]
