"""docs/spark-support.md, made of the programs' first lines, the recorded answers of Spark, and the gaps."""

import ast
import json
import sys
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).parent
PLANNER = HERE.parent / "planner"
sys.path[:0] = [str(HERE), str(PLANNER)]

from api_gaps import API_GAPS  # noqa: E402
from gaps import GAPS  # noqa: E402
from ml_differences import DIFFERENCES  # noqa: E402
from telling_cases import TELLING  # noqa: E402
from test_unsupported import GAPS as REFUSAL_GAPS  # noqa: E402
from unsupported_programs import PROGRAMS  # noqa: E402

__all__ = ["page"]

HEAD = """# What runs as on Apache Spark 4.2

Written by the tests (`CAUCE_REWRITE=1 make test-programs`); do not edit. Every program below is plain PySpark
under `tests/programs`. Its answer was recorded on Apache Spark 4.2 over Spark Connect (`make spark` compares
again), and cauce gives the same answer in `make test`. A gap is a test that must fail: closing it without
saying so here fails the build. `tests/spark/test_interop.py` moves a query six times between Spark and cauce
over one checkpoint. The streaming suites of PySpark itself are not on PyPI; these programs say the same.
"""


def page() -> str:
    """The whole page as Markdown."""
    parts = (programs(), telling(), functions(), api(), refusals(), machine_learning(), differences())
    return "\n".join([HEAD, *(line for part in (*parts, features()) for line in (*part, ""))])


def programs() -> Iterator[str]:
    names = sorted(
        path.stem for path in (HERE / "goldens").glob("*.json") if not path.stem.startswith("api_")
    )
    same = sum(name not in GAPS for name in names)
    yield f"## Programs: {same} of {len(names)} answer alike"
    yield ""
    yield "| What | Spark 4.2 | cauce | Program |"
    yield "|---|---|---|---|"
    for name in names:
        answer = GAPS.get(name, "same answer")
        yield f"| {first_line(HERE / f'{name}.py')} | recorded | {answer} | `{name}` |"


def telling() -> Iterator[str]:
    """The forty cases, and where each is told."""
    cases = {number: (what, name) for name, told in TELLING.items() for number, what in told.items()}
    yield "## Telling cases of event time: rows, watermark, late rows and state as in Spark, batch by batch"
    yield ""
    yield "| | Case | Program |"
    yield "|---:|---|---|"
    for number, (what, name) in sorted(cases.items()):
        yield f"| {number} | {what} | `{name}` |"


def functions() -> Iterator[str]:
    """The examples of Spark's function reference."""
    folder = HERE.parent / "functions"
    calls = len(json.loads((folder / "goldens.json").read_text()))
    gaps = (folder / "gaps.txt").read_text().splitlines()
    yield f"## SQL functions: {calls - len(gaps)} of the {calls} examples of Spark's reference answer alike"
    yield ""
    yield "The others are listed in `tests/functions/gaps.txt`: most of all the KLL and tuple sketches, XML,"
    yield "collations, `reflect`, text functions of binaries, and types that differ where the values do not."


def stems(pattern: str) -> list[str]:
    """Names of the programs with an answer."""
    return sorted(path.stem for path in (HERE / "goldens").glob(f"{pattern}.json"))


def api() -> Iterator[str]:
    """The calls of the api_ programs: how many answer alike, and which do not."""
    calls = sum(len(json.loads((HERE / "goldens" / f"{name}.json").read_text())) for name in stems("api_*"))
    same = calls - sum(map(len, API_GAPS.values()))
    yield f"## PySpark's batch API, call by call: {same} of {calls} answer alike"
    yield ""
    yield "Every public method of DataFrame, its statistics and null functions, the catalog and the table"
    yield "functions is called, and most of SparkSession, the readers and the writers, by the programs"
    yield "`tests/programs/api_*.py`. Otherwise:"
    yield ""
    yield "| Call | Program | cauce |"
    yield "|---|---|---|"
    for name in sorted(API_GAPS):
        for call, why in sorted(API_GAPS[name].items()):
            yield f"| `{call}` | `{name}` | {why} |"


def refusals() -> Iterator[str]:
    golden = json.loads((PLANNER / "goldens" / "unsupported.json").read_text())
    refused = {name for name in PROGRAMS if golden[name]["class"]}
    same = len(PROGRAMS) - len(REFUSAL_GAPS)
    yield f"## Accepted and refused: {same} of {len(PROGRAMS)} small programs alike"
    yield ""
    yield f"Spark refuses {len(refused)} of them. cauce refuses with the same class, condition, SQLSTATE and"
    yield "message (`tests/planner/test_unsupported.py`), apart from these:"
    yield ""
    yield "| Program | Spark 4.2 | cauce |"
    yield "|---|---|---|"
    for name in sorted(REFUSAL_GAPS):
        yield f"| `{name}` | {'refused' if name in refused else 'accepted'} | {REFUSAL_GAPS[name]} |"


def machine_learning() -> Iterator[str]:
    """Where a stage of pyspark.ml is not Spark's to the last digit."""
    yield "## pyspark.ml: where answers are not Spark's own"
    yield ""
    for stage, why in DIFFERENCES.items():
        yield f"- {stage}: {why}."


def differences() -> Iterator[str]:
    """What cauce does on purpose otherwise."""
    yield "## On purpose otherwise"
    yield ""
    yield "- Commits are synced to disk, and a second run on a checkpoint is refused."
    yield "- What Spark refuses only once a batch is planned is refused at start()."
    yield "- `cauce.sql.streaming.relaxed` = true allows more than Spark does: see [relaxed.md](relaxed.md)."
    yield "- Null keys never match in a full outer join of two streams, as in a batch; in Spark they do."
    yield "- A condition like `left.amount > 0` does not keep the state of an outer join for ever."
    yield "- Processing-time timeouts run a batch when one is due, not batch after batch."
    yield "- Progress also has the sums over all sources, as in Spark's classic session."


def features() -> Iterator[str]:
    """What of pyspark.ml.feature and pyspark.ml.stat is not, or not proven to be, as in Spark."""
    yield "## pyspark.ml.feature and pyspark.ml.stat"
    yield ""
    yield "`ml_feature_scaling` and `ml_feature_text` compare values, vectors, attributes and errors. The"
    yield "rest (encoders and indexers of vectors, selectors, PCA, LSH, RFormula, ChiSquareTest, Correlation,"
    yield "KolmogorovSmirnovTest) has no recorded answers yet, so it is not proven. Further:"
    yield ""
    yield "- Models are saved in Spark's layout, not yet proven by loading in Spark; RFormula's is its own."
    yield "- Word2Vec trains by Spark's method with its own random numbers: vectors are not Spark's."
    yield "- CountVectorizer orders equally frequent words by the alphabet, Spark by chance."
    yield "- Quantiles (RobustScaler, Imputer, QuantileDiscretizer) are Spark's for rows in one partition."
    yield "- TargetEncoder names categories in the order they came; beyond four, Spark has a hash's."
    yield "- A message about a missing value ends where Java's would name the variable."
    yield "- RegexTokenizer knows the patterns of RE2, and of Python's `re` where RE2 refuses one."
    yield "- LSH searches and Spearman's correlation hold their rows in memory."


def first_line(path: Path) -> str:
    return (ast.get_docstring(ast.parse(path.read_text())) or "").split("\n")[0].replace("|", "\\|")
