"""The spark-submit shim: every option is taken, files are staged, settings arrive, errors are Spark's."""

import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from cauce.cli import spark_submit, staging
from cauce.cli.properties_file import read_properties
from cauce.cli.spark_submit import submit
from cauce.cli.spark_submit_options import SubmissionError, parse

SPARK_4_2_HELP = """--master --deploy-mode --class --name --jars --packages --exclude-packages --repositories
--py-files --files --archives --conf --properties-file --driver-memory --driver-java-options
--driver-library-path --driver-class-path --executor-memory --proxy-user --remote --driver-cores --kill
--status --total-executor-cores --executor-cores --num-executors --principal --keytab --queue"""
SWITCHES = "--load-spark-defaults --help -h --verbose -v --version --supervise"


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[tuple[object, dict[str, str]]]:
    """Programs that would have run, with their settings."""
    calls: list[tuple[object, dict[str, str]]] = []
    monkeypatch.setattr(spark_submit, "run_here", lambda program, conf: calls.append((program, conf)) or 0)
    monkeypatch.delenv("SPARK_HOME", raising=False)
    monkeypatch.delenv("SPARK_CONF_DIR", raising=False)
    return calls


@pytest.fixture
def program(tmp_path: Path) -> str:
    path = tmp_path / "app.py"
    path.write_text("")
    return str(path)


@pytest.mark.parametrize("option", SPARK_4_2_HELP.split())
@pytest.mark.parametrize("form", ["{} a=b", "{}=a=b"])
def test_every_option_with_a_value_is_taken(option: str, form: str) -> None:
    submission = parse([*form.format(option).split(), "app.py", option])
    assert (submission.program, submission.arguments) == ("app.py", [option])
    assert submission.conf == {"a": "b"} if option == "--conf" else submission.values == {option: "a=b"}


@pytest.mark.parametrize("switch", SWITCHES.split())
def test_every_switch_is_taken(switch: str) -> None:
    assert parse([switch, "app.py"]).program == "app.py"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--bogus", "app.py"], "Unrecognized option: --bogus"),
        (["--conf"], "Missing argument for option '--conf'."),
        (["--conf", "novalue"], "Spark config without '=': novalue"),
    ],
)
def test_what_spark_submit_refuses_is_refused(arguments: list[str], message: str) -> None:
    with pytest.raises(SubmissionError, match=re.escape(message)):
        parse(arguments)


def test_settings_come_from_file_then_conf_then_options(
    ran: list, program: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "spark-defaults.conf").write_text("spark.a default\nspark.b default\nspark.c default\n")
    (tmp_path / "own.conf").write_text("spark.b=file\nspark.c=file\nother=ignored\n")
    monkeypatch.setenv("SPARK_CONF_DIR", str(tmp_path))
    own = ["--properties-file", str(tmp_path / "own.conf")]
    assert submit([*own, "--load-spark-defaults", "-c", "spark.c=conf", "--name", "job", program, "x"]) == 0
    assert submit([*own, program]) == 0
    (first, conf), (_, without_defaults) = ran
    assert conf == {"spark.a": "default", "spark.b": "file", "spark.c": "conf", "spark.app.name": "job"}
    assert without_defaults == {"spark.b": "file", "spark.c": "file"}
    assert (first.target, first.arguments) == (program, ("x",))


def test_options_without_effect_are_named_in_one_line(
    ran: list, program: str, capsys: pytest.CaptureFixture[str]
) -> None:
    submit(["--master", "yarn", "--executor-memory", "4g", "--packages", "a:b:1", "--supervise", program])
    error = capsys.readouterr().err
    assert re.match(r"\d\d/\d\d/\d\d \d\d:\d\d:\d\d INFO SparkSubmit: ", error)
    assert error.endswith(": --executor-memory, --master, --packages, --supervise\n")
    assert error.count("\n") == 1


def test_a_plain_local_run_logs_nothing(ran: list, program: str, capsys: pytest.CaptureFixture[str]) -> None:
    submit(["--master", "local[4]", "--name", "quiet", program])
    assert capsys.readouterr() == ("", "")


def test_verbose_hides_secrets(ran: list, program: str, capsys: pytest.CaptureFixture[str]) -> None:
    submit(["-v", "--conf", "spark.my.password=hunter2", "--conf", "spark.x=1", program])
    error = capsys.readouterr().err
    assert "(spark.x,1)" in error
    assert "hunter2" not in error


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["job.jar"], "not a Python program"),
        (["absent.py"], "can't open file 'absent.py'"),
        (["--kill", "driver-1"], "asks a cluster"),
        ([], "Usage"),
        (["--name", "x"], "Missing application resource"),
    ],
)
def test_what_cannot_run_fails_with_a_reason(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert submit(arguments) == 1
    assert said in "".join(capsys.readouterr())


def test_py_files_become_importable_without_their_neighbours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.path", [])
    (tmp_path / "shipped.py").write_text("")
    (tmp_path / "neighbour.py").write_text("")
    with zipfile.ZipFile(tmp_path / "lib.zip", "w") as archive:
        archive.writestr("packed.py", "")
    staging.stage_py_files(f"{tmp_path}/shipped.py, file://{tmp_path}/lib.zip")
    archive_path, modules = sys.path
    assert archive_path == f"{tmp_path}/lib.zip"
    assert [path.name for path in Path(modules).iterdir()] == ["shipped.py"]


def test_files_and_archives_are_found_through_spark_files(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("a")
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as archive:
        archive.writestr("inside.txt", "b")
    staging.stage_files(f"{tmp_path}/a.txt,{tmp_path}/a.txt#renamed.txt", f"{tmp_path}/b.zip#b")
    from pyspark import SparkFiles

    assert Path(SparkFiles.get("renamed.txt")).read_text() == "a"
    assert Path(SparkFiles.getRootDirectory(), "b", "inside.txt").read_text() == "b"


@pytest.mark.parametrize("entry", ["a.txt#../out.txt", "hdfs://host/a.txt", "absent.txt"])
def test_a_file_that_cannot_be_staged_is_refused(
    entry: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.txt").write_text("a")
    with pytest.raises(SubmissionError):
        staging.stage_files(entry, "")


def test_properties_files_are_read_as_java_reads_them(tmp_path: Path) -> None:
    path = tmp_path / "p.conf"
    path.write_text(
        "# comment\n! another\n\nspark.a   one two  \nspark.b=two\nspark.c : three\n"
        "spark.d four\\\n    five\nspark.e=x=y\nspark.f\nother.g=no\n"
    )
    assert read_properties(path) == {
        "spark.a": "one two",
        "spark.b": "two",
        "spark.c": "three",
        "spark.d": "fourfive",
        "spark.e": "x=y",
        "spark.f": "",
    }


def test_beside_a_full_pyspark_the_script_is_spark_s(tmp_path: Path) -> None:
    launcher = tmp_path / "pyspark" / "bin" / "spark-submit"
    launcher.parent.mkdir(parents=True)
    (tmp_path / "pyspark" / "__init__.py").write_text("")
    launcher.write_text('#!/bin/sh\necho "the real one: $*"\n')
    launcher.chmod(0o755)
    path = os.pathsep.join([str(tmp_path), str(Path(spark_submit.__file__).parents[2])])
    command = [
        sys.executable,
        "-c",
        "from cauce.cli.spark_submit import main; main()",
        "--name",
        "job",
        "app.py",
    ]
    done = subprocess.run(command, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True)
    assert done.stdout == "the real one: --name job app.py\n"


def test_a_program_gets_its_settings_files_and_modules(tmp_path: Path) -> None:
    (tmp_path / "shipped.py").write_text("def shout(text):\n    return text.upper()\n")
    (tmp_path / "words.txt").write_text("loud")
    (tmp_path / "app.py").write_text(
        "from pyspark import SparkFiles\n"
        "from pyspark.sql import SparkSession\n"
        "from pyspark.sql.functions import udf\n"
        "spark = SparkSession.builder.getOrCreate()\n"
        "@udf\n"
        "def read(_):\n"
        "    import shipped\n"
        "    return shipped.shout(open(SparkFiles.get('words.txt')).read())\n"
        "print(spark.range(1).select(read('id')).first()[0], spark.conf.get('spark.my.key'))\n"
    )
    command = [sys.executable, "-m", "cauce.cli.main", "submit", "--conf", "spark.my.key=mine"]
    options = ["--py-files", f"{tmp_path}/shipped.py", "--files", f"{tmp_path}/words.txt"]
    done = subprocess.run([*command, *options, f"{tmp_path}/app.py"], capture_output=True, text=True)
    assert (done.stdout, done.stderr, done.returncode) == ("LOUD mine\n", "", 0)
