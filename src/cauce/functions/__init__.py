"""SQL functions that the engine lacks or answers otherwise than Spark, on Arrow columns.

Imported by cauce.plan and cauce.connect, which put them in the place of calls; imports nothing of cauce
but errors. A function that needs to know its arguments' types before it runs does not belong here.
"""

from cauce.functions.registry import SUPPLIED, SuppliedFunction

__all__ = ["SUPPLIED", "SuppliedFunction"]
