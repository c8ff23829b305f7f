"""transformWithState: value, list and map state, timers and time to live for a user's own processor.

Imported by the planner; imports the state store, Arrow, PySpark's interfaces and errors. State variables
live in stores called like them, timers in one called as Spark calls it; the processor never leaves this
process.
"""

from cauce.streaming.operators.transform_with_state.keyed_rows import Input
from cauce.streaming.operators.transform_with_state.operator import BatchTimes, TransformWithState
from cauce.streaming.operators.transform_with_state.timers import TIMER_STORES
from cauce.streaming.operators.transform_with_state.user_rows import PandasRows, PythonRows, UserRows

__all__ = [
    "TIMER_STORES",
    "BatchTimes",
    "Input",
    "PandasRows",
    "PythonRows",
    "TransformWithState",
    "UserRows",
]
