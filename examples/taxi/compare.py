"""The same cleaning, features and boosted trees in pandas and in PySpark: seconds, memory, RMSE.

    cauce run examples/taxi/compare.py --data taxi-data          # writes comparison.json and comparison.png
    python examples/taxi/compare.py --engine pandas --data taxi-data

Each engine runs in a process of its own. `--spark PYTHON` names an interpreter with full PySpark and adds it.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

ITERATIONS, DEPTH, STEP, BINS = 20, 5, 0.1, 32


@dataclass(frozen=True)
class Outcome:
    """One engine's run; seconds without starting the process, memory at its highest."""

    engine: str
    features_s: float
    fit_s: float
    score_s: float
    rmse_min: float
    memory_mb: float


def with_pandas(trips: Path) -> Outcome:
    """pandas and scikit-learn, all in memory."""
    from pandas_trips import features_and_label
    from sklearn.ensemble import HistGradientBoostingRegressor

    started = time.perf_counter()
    features, label, is_test = features_and_label(trips)
    ready = time.perf_counter()
    model = HistGradientBoostingRegressor(
        max_iter=ITERATIONS, max_depth=DEPTH, learning_rate=STEP, max_bins=BINS, early_stopping=False
    ).fit(features[~is_test], label[~is_test])
    fitted = time.perf_counter()
    error = model.predict(features[is_test]) - label[is_test]
    rmse = float((error**2).mean() ** 0.5)
    return Outcome("pandas", ready - started, fitted - ready, time.perf_counter() - fitted, rmse, memory_mb())


def with_pyspark(trips: Path, engine: str) -> Outcome:
    """PySpark, on whatever the session is."""
    from pyspark.ml.evaluation import RegressionEvaluator
    from pyspark.ml.feature import VectorAssembler
    from pyspark.ml.regression import GBTRegressor
    from pyspark.sql import SparkSession
    from pyspark.sql import functions as F
    from trips import FEATURES, LABEL, labelled

    spark = SparkSession.builder.appName("taxi-compare").getOrCreate()
    started = time.perf_counter()
    assembler = VectorAssembler(inputCols=FEATURES, outputCol="features")
    featured = assembler.transform(labelled(spark.read.parquet(str(trips))))
    is_test = F.substring("id", -1, 1).isin("0", "5")
    prepared = featured.select("features", LABEL, is_test.alias("is_test")).cache()
    prepared.count()
    ready = time.perf_counter()
    boosted = GBTRegressor(
        labelCol=LABEL, maxIter=ITERATIONS, maxDepth=DEPTH, stepSize=STEP, maxBins=BINS, seed=1
    )
    model = boosted.fit(prepared.filter("not is_test"))
    fitted = time.perf_counter()
    rmse = RegressionEvaluator(labelCol=LABEL).evaluate(model.transform(prepared.filter("is_test")))
    return Outcome(engine, ready - started, fitted - ready, time.perf_counter() - fitted, rmse, memory_mb())


def memory_mb() -> float:
    """The most this process and its children (Spark's JVM) ever held."""
    own, children = (
        resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    return max(own, children) / 1024


def in_own_process(engine: str, command: list[str], data: Path) -> Outcome:
    script = [*command, __file__, "--data", str(data), "--engine", engine]
    done = subprocess.run(script, stdout=subprocess.PIPE, text=True, check=True)
    return Outcome(**json.loads(done.stdout.splitlines()[-1]))


def draw(outcomes: list[Outcome], path: Path) -> None:
    """Stacked seconds per engine, with memory and RMSE written beside."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(8, 0.8 + 0.8 * len(outcomes)), layout="constrained")
    left = [0.0] * len(outcomes)
    names = [outcome.engine for outcome in outcomes]
    for step, colour in (("features_s", "#9ecae1"), ("fit_s", "#3182bd"), ("score_s", "#08519c")):
        widths = [getattr(outcome, step) for outcome in outcomes]
        axes.barh(names, widths, left=left, color=colour, label=step.removesuffix("_s"))
        left = [start + width for start, width in zip(left, widths, strict=True)]
    for row, outcome in enumerate(outcomes):
        text = f"  {left[row]:.1f} s, {outcome.memory_mb:,.0f} MB, RMSE {outcome.rmse_min:.2f} min"
        axes.text(left[row], row, text, va="center")
    axes.set(xlabel="seconds", xlim=(0, max(left) * 1.7), title="Taxi durations: features, fit, score")
    axes.legend(loc="lower right", frameon=False)
    figure.savefig(path, dpi=120)


def report(outcomes: list[Outcome]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(title="Taxi durations, one process each", title_justify="left")
    for heading in ("engine", "features s", "fit s", "score s", "RMSE min", "memory MB"):
        table.add_column(heading, justify="left" if heading == "engine" else "right")
    for outcome in outcomes:
        seconds = [f"{value:.1f}" for value in (outcome.features_s, outcome.fit_s, outcome.score_s)]
        table.add_row(outcome.engine, *seconds, f"{outcome.rmse_min:.2f}", f"{outcome.memory_mb:,.0f}")
    Console().print(table)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("taxi-data"))
    parser.add_argument("--engine", choices=["pandas", "cauce", "spark"], help="run only this one, here")
    parser.add_argument("--spark", metavar="PYTHON", help="an interpreter with full PySpark")
    options = parser.parse_args()
    trips = options.data / "trips.parquet"
    if options.engine:
        outcome = with_pandas(trips) if options.engine == "pandas" else with_pyspark(trips, options.engine)
        print(json.dumps(asdict(outcome)))
        return
    cauce = str(Path(sys.executable).parent / "cauce")
    commands = {"pandas": [sys.executable], "cauce": [cauce, "run"]}
    if options.spark:
        commands["spark"] = [options.spark]
    outcomes = [in_own_process(engine, command, options.data) for engine, command in commands.items()]
    (options.data / "comparison.json").write_text(json.dumps([asdict(each) for each in outcomes], indent=2))
    report(outcomes)
    draw(outcomes, options.data / "comparison.png")


if __name__ == "__main__":
    main()
