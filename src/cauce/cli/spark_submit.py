"""spark-submit without Spark: every option of 4.2 is accepted, Python programs run in this process."""

import json
import os
import re
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from cauce.cli.program import Program, run_program
from cauce.cli.properties_file import read_properties
from cauce.cli.run import run_here
from cauce.cli.spark_submit_options import Submission, SubmissionError, parse
from cauce.cli.staging import stage_files, stage_py_files

__all__ = ["main", "submit"]

USAGE = """Usage: spark-submit [options] <python file> [app arguments]

Runs a PySpark program on cauce, in this process. All options of Spark 4.2's spark-submit are accepted.
  --conf, -c PROP=VALUE, --properties-file FILE, --load-spark-defaults, --name NAME
  --py-files, --files, --archives   comma-separated local files
  --remote CONNECT_URL              run against that Spark Connect server instead
  --verbose, -v  --version  --help, -h
Options for JVMs and clusters have no effect here; one INFO line names those that were given.
"""
CONF_KEYS = {
    "--name": "spark.app.name",
    "--py-files": "spark.submit.pyFiles",
    "--files": "spark.files",
    "--archives": "spark.archives",
}
SECRET_KEY = re.compile(r"secret|password|token|credential", re.IGNORECASE)


def main() -> int:
    """The installed `spark-submit`: steps aside for the one of a full pyspark installed beside cauce."""
    real = full_spark_submit()
    if real is not None:
        os.execv(real, [real, *sys.argv[1:]])
    return submit(sys.argv[1:])


def full_spark_submit() -> str | None:
    """The launcher inside the pyspark package; pyspark-client has none."""
    import importlib.util

    spec = importlib.util.find_spec("pyspark")
    if spec is None or spec.origin is None:
        return None
    launcher = Path(spec.origin).parent / "bin" / "spark-submit"
    return str(launcher) if launcher.exists() else None


def submit(arguments: Sequence[str]) -> int:
    """Run the program a spark-submit command line names; its exit code."""
    try:
        submission = parse(arguments)
        if not arguments or submission.switches & {"--help", "--usage-error"}:
            print(USAGE)
            return 0 if "--help" in submission.switches else 1
        if "--version" in submission.switches:
            return _print_version()
        _check(submission)
        conf = _configuration(submission)
        _log_ignored(submission)
        if "--verbose" in submission.switches:
            _print_configuration(submission, conf)
        _stage(conf)
    except (SubmissionError, OSError) as error:
        print(
            f"Error: {error}\nRun with --help for usage help or --verbose for debug output", file=sys.stderr
        )
        return 1
    return _run(submission, conf)


def _print_version() -> int:
    from pyspark.version import __version__ as spark_version

    from cauce import __version__

    print(f"cauce {__version__}, running PySpark {spark_version} programs without a JVM")
    return 0


def _check(submission: Submission) -> None:
    for option in ("--kill", "--status"):
        if option in submission.values:
            raise SubmissionError(
                f"{option} asks a cluster about a driver; cauce runs drivers in its own process."
            )
    if submission.program is None:
        raise SubmissionError("Missing application resource.")
    if not submission.program.endswith((".py", ".zip", ".pyz")):
        raise SubmissionError(f"{submission.program} is not a Python program; cauce has no JVM to run it.")
    if not os.path.exists(submission.program):
        raise SubmissionError(f"can't open file {submission.program!r}: no such file")


def _configuration(submission: Submission) -> dict[str, str]:
    """Lowest first: spark-defaults.conf, --properties-file, --conf, then the options with their own key."""
    conf: dict[str, str] = {}
    properties_file = submission.values.get("--properties-file")
    defaults = _defaults_file()
    if defaults is not None and (properties_file is None or "--load-spark-defaults" in submission.switches):
        conf.update(read_properties(defaults))
    if properties_file is not None:
        conf.update(read_properties(properties_file))
    conf.update(submission.conf)
    conf.update(
        {key: submission.values[option] for option, key in CONF_KEYS.items() if option in submission.values}
    )
    return conf


def _defaults_file() -> Path | None:
    folder = os.environ.get("SPARK_CONF_DIR")
    home = os.environ.get("SPARK_HOME")
    if folder is None and home is not None:
        folder = os.path.join(home, "conf")
    path = Path(folder or "") / "spark-defaults.conf"
    return path if folder is not None and path.exists() else None


def _stage(conf: dict[str, str]) -> None:
    stage_py_files(conf.get("spark.submit.pyFiles", ""))
    files, archives = conf.get("spark.files", ""), conf.get("spark.archives", "")
    if files or archives:
        stage_files(files, archives)


def _log_ignored(submission: Submission) -> None:
    ignored = submission.ignored()
    if ignored:
        _info(f"Running in this process without a JVM; these options have no effect: {', '.join(ignored)}")


def _info(message: str) -> None:
    print(f"{time.strftime('%y/%m/%d %H:%M:%S')} INFO SparkSubmit: {message}", file=sys.stderr)


def _print_configuration(submission: Submission, conf: dict[str, str]) -> None:
    print(
        f"Main resource:\n{submission.program}\nArguments:\n{' '.join(submission.arguments)}", file=sys.stderr
    )
    print("Spark config:", file=sys.stderr)
    for key in sorted(conf):
        value = "*********(redacted)" if SECRET_KEY.search(key) else conf[key]
        print(f"({key},{value})", file=sys.stderr)


def _run(submission: Submission, conf: dict[str, str]) -> int:
    program = Program("script", submission.program or "", tuple(submission.arguments))
    remote = submission.values.get("--remote")
    if remote is None:
        return run_here(program, conf)
    os.environ["SPARK_REMOTE"] = remote
    # How Spark's own launcher hands --conf to a Connect client; the client applies the spark.sql keys.
    os.environ["PYSPARK_REMOTE_INIT_CONF_LEN"] = "1"
    os.environ["PYSPARK_REMOTE_INIT_CONF_0"] = json.dumps(conf)
    return run_program(program)
