"""pyspark.ml without a JVM: what each stage of a pipeline does to Arrow columns, and how it is fitted.

A stage is described by its Spark class name and parameters (`Params`), and comes to life as a
`Transformer`, `Estimator` or `Evaluator` (stage.py); `registry.py` lists them all. They see rows as Arrow
batches with Spark schemas, and know neither sessions nor plans: `cauce.connect` brings the rows. Vectors and
matrices are structs of Spark's shape (vectors.py). Models are saved as Apache Spark saves them.

May be imported by connect, streaming and serve; imports session's layers and below, but no plan or engine.
"""

__all__: list[str] = []
