"""Statistics of columns: tests, correlations and summaries, for pyspark.ml.stat and the selectors.

Imported by cauce.ml.feature and by what serves pyspark.ml.stat; may import the modules of cauce.ml beside it.
"""

__all__: list[str] = []
