"""What stateful operators remember between micro-batches: a durable, versioned table from key to row.

Imported by operators and by what reads state; imports files, clock, conf and errors. One store is used
by one thread at a time. Segments are memory-mapped from a local path; those in an object store are copied
to this machine's disk first.
"""

from cauce.state.options import StateMetrics, StateOptions
from cauce.state.store import StateStore

__all__ = ["StateMetrics", "StateOptions", "StateStore"]
