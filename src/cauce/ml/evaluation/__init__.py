"""pyspark.ml.evaluation: its evaluators.

Imported by cauce.ml.registry; may import the modules of cauce.ml beside it.
"""

from cauce.ml.stage import Evaluator

__all__ = ["EVALUATORS"]

EVALUATORS: dict[str, type[Evaluator]] = {}
