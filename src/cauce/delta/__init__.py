"""Delta tables: their log, their files, what streams and commands do to them.

Imported by streaming and connect; imports engine, plan, formats, files, clock, conf and errors. Plain reads
are the engine's own. Not here: column mapping, row tracking, type widening and clustering, which are
refused by name.
"""

from cauce.delta.log import DeltaLog
from cauce.delta.transaction import Operation, Transaction

__all__ = ["DeltaLog", "Operation", "Transaction"]
