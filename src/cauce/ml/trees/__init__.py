"""Decision trees as MLlib grows them, shared by pyspark.ml.classification and pyspark.ml.regression.

binning.py cuts features into bins, growing.py grows one tree level by level over histograms (histograms.py,
splitting.py: compiled), forest.py and boosting.py make ensembles, tree.py and walking.py are the grown trees.
Imported by the stages of its two families; imports numpy, numba and the modules of cauce.ml beside it.
"""

__all__: list[str] = []
