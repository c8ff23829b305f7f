"""Where pyspark.ml answers otherwise than Apache Spark, for docs/spark-support.md."""

__all__ = ["DIFFERENCES"]

DIFFERENCES = {
    "DecisionTree*": "the same trees up to max(maxBins², 10,000) rows; beyond, thresholds come from a "
    "random sample of that size, of other rows than Spark draws",
    "RandomForest*": "the seed draws other rows and features, as Spark's draws depend on partitions; without "
    "draws (bootstrap off, all features) the trees are Spark's",
    "GBT*": "the same trees if nothing is drawn (subsamplingRate 1, all features)",
    "trees": "cacheNodeIds and checkpointInterval change nothing",
    "KMeans": "the draws of the seed are other ones; both solvers are the same computation",
    "BisectingKMeans": "each split is the best of eight short k-means; its saved form is not one Spark loads",
    "GaussianMixture": "begins from a short k-means instead of random slices of the rows",
    "LDA": "other draws; a model of optimizer em is saved with its topics, not with the graph Spark saves",
    "PowerIterationClustering": "the numbers of clusters may be swapped",
    "ALS": "other starting factors; blocks, storage levels and checkpointInterval change nothing",
    "FPGrowth, PrefixSpan": "the same sets, rules and patterns, in another order; items of equal count too",
    "vectors in UDFs": "a UDF that takes or returns VectorUDT fails; give it what `vector_to_array` gives",
    "array_to_vector, Summarizer": "not there yet",
    "vectors in Delta tables": "refused on writing",
    "vectors in Parquet files": "cauce reads its own and Spark's as vectors; Spark reads cauce's as structs",
    "vectors as text": "`show()` is Spark's; a cast to string gives the struct, printSchema says `vectorudt`",
    "MLflow": "no flavour of cauce's own yet",
    "LogisticRegression with bounds, LinearRegression with Huber's loss": "the same minimum by another "
    "L-BFGS-B, with another history and number of iterations",
    "MultilayerPerceptronClassifier": "rows are stacked as in one partition",
    "FMClassifier, FMRegressor": "a miniBatchFraction below 1 draws other rows",
    "linear models": "aggregationDepth and maxBlockSizeInMB change nothing; LogisticRegression is compared "
    "with Spark number by number, the others and the evaluators follow its formulas and are compared among "
    "themselves",
    "clustering, ALS, FPGrowth, PrefixSpan": "held to Spark by spot checks only, no recorded programs yet",
    "first fit of trees or ALS": "compiles its loops, which takes some seconds once per installation",
}
