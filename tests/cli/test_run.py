"""`cauce run`: a program runs as under plain `python`, with a SparkSession that needs no address."""

import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

SESSION = "from pyspark.sql import SparkSession\nspark = SparkSession.builder.appName('t').getOrCreate()\n"
TIMEOUT_S = 120


def cauce(*arguments: str, cwd: Path | None = None, typed: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "cauce.cli.main", *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, input=typed, timeout=TIMEOUT_S)


@contextmanager
def started(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    """A process that Ctrl-C reaches even where the tests themselves run in the background."""
    process = subprocess.Popen(
        [sys.executable, "-m", "cauce.cli.main", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def script(folder: Path, text: str, name: str = "program.py") -> str:
    path = folder / name
    path.write_text(textwrap.dedent(text))
    return str(path)


def test_a_script_with_a_master_and_a_config_counts(tmp_path: Path) -> None:
    program = script(
        tmp_path,
        """
        import sys
        from pyspark.sql import SparkSession
        builder = SparkSession.builder.master("local[2]").appName("counts").config("spark.ui.port", 1)
        spark = builder.config("spark.sql.shuffle.partitions", "2").getOrCreate()
        print(sys.argv[1:], spark.range(5).count(), spark.conf.get("spark.sql.shuffle.partitions"))
        print(__name__, __file__ == sys.argv[0])
        """,
    )
    done = cauce("run", program, "--conf", "mine")
    assert done.stdout.splitlines() == ["['--conf', 'mine'] 5 2", "__main__ True"]
    assert (done.returncode, done.stderr) == (0, "")


def test_settings_of_the_command_line_are_the_session_s(tmp_path: Path) -> None:
    code = SESSION + "print(spark.conf.get('spark.sql.session.timeZone'), spark.conf.get('my.key'))"
    done = cauce("run", "--conf", "spark.sql.session.timeZone=Asia/Tokyo", "--conf", "my.key=a=b", "-c", code)
    assert done.stdout == "Asia/Tokyo a=b\n"


def test_a_program_that_ends_after_an_answer_leaves_nothing_under_way() -> None:
    """A call of its goodbye was retried for minutes against the server that had stopped."""
    done = cauce("run", "-c", SESSION + "assert spark.range(3).count() == 3")
    assert (done.returncode, done.stderr) == (0, "")


def test_a_module_runs_from_the_current_folder(tmp_path: Path) -> None:
    script(tmp_path, "import sys\nprint(__name__, sys.argv[1:])", name="job.py")
    done = cauce("run", "-m", "job", "--rate", "3", cwd=tmp_path)
    assert (done.stdout, done.returncode) == ("__main__ ['--rate', '3']\n", 0)


def test_a_missing_script_is_said_at_once() -> None:
    done = cauce("run", "absent.py")
    assert (done.returncode, done.stdout) == (2, "")
    assert "absent.py" in done.stderr


def test_print_and_variables_of_a_closure_live_in_this_process(tmp_path: Path) -> None:
    program = script(
        tmp_path,
        f"""
        import os
        {SESSION.replace(chr(10), chr(10) + "        ")}
        from pyspark.sql.functions import udf

        @udf("int")
        def where(x):
            print("in the closure", flush=True)
            return os.getpid()

        print(spark.range(1).select(where("id")).first()[0] == os.getpid())
        """,
    )
    done = cauce("run", program)
    assert done.stdout.splitlines() == ["in the closure", "True"]


def test_a_breakpoint_in_foreach_batch_opens_the_debugger(tmp_path: Path) -> None:
    program = script(
        tmp_path,
        f"""
        {SESSION.replace(chr(10), chr(10) + "        ")}
        def each(batch, batch_id):
            rows = batch.count()
            breakpoint()

        stream = spark.readStream.format("rate-micro-batch").option("rowsPerBatch", 3).load()
        stream.writeStream.foreachBatch(each).trigger(once=True).start().awaitTermination()
        """,
    )
    done = cauce("run", program, typed="p (batch_id, rows)\ncontinue\n")
    assert "(Pdb) (0, 3)\n" in done.stdout
    assert done.returncode == 0


def test_the_server_outlives_threads_and_exit_handlers(tmp_path: Path) -> None:
    program = script(
        tmp_path,
        f"""
        import atexit, threading
        {SESSION.replace(chr(10), chr(10) + "        ")}
        atexit.register(lambda: print("handler", spark.range(2).count()))
        released = threading.Event()

        def work():
            released.wait()
            print("thread", spark.range(3).count())

        threading.Thread(target=work).start()
        threading.Timer(0.05, released.set).start()
        print("last line")
        """,
    )
    done = cauce("run", program)
    assert done.stdout.splitlines() == ["last line", "thread 3", "handler 2"]
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(("number", "exit_code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_a_program_that_waits(tmp_path: Path, number: int, exit_code: int) -> None:
    program = script(
        tmp_path,
        f"""
        {SESSION.replace(chr(10), chr(10) + "        ")}
        stream = spark.readStream.format("rate").load()
        query = stream.writeStream.format("noop").option("checkpointLocation", "{tmp_path}/c").start()
        print("running", flush=True)
        query.awaitTermination()
        """,
    )
    with started("run", program) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == "running\n"
        process.send_signal(number)
        assert process.wait(TIMEOUT_S) == exit_code
        assert "Traceback" not in process.stderr.read()


def test_a_program_still_works_after_ctrl_c_amid_its_calls(tmp_path: Path) -> None:
    program = script(
        tmp_path,
        f"""
        {SESSION.replace(chr(10), chr(10) + "        ")}
        for _ in range(5):
            try:
                print("running", flush=True)
                while True:
                    spark.range(1).schema
            except KeyboardInterrupt:
                print("interrupted", spark.range(2).count(), flush=True)
        """,
    )
    with started("run", program) as process:
        assert process.stdout is not None
        for _ in range(5):
            assert process.stdout.readline() == "running\n"
            process.send_signal(signal.SIGINT)
            assert process.stdout.readline() == "interrupted 2\n"
        assert process.wait(TIMEOUT_S) == 0


def test_help_does_not_load_the_engine() -> None:
    code = "import sys, cauce.cli.main; print('pyspark' in sys.modules, 'grpc' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False False\n"
