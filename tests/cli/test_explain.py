"""`make explain`: the plan of each query of a program, and the program runs on."""

import subprocess
import sys
from pathlib import Path

TOOL = Path(__file__).resolve().parents[2] / "tools" / "explain.py"

PROGRAM = """
import sys
from pyspark.sql import SparkSession
spark = SparkSession.builder.getOrCreate()
stream = spark.readStream.format("rate-micro-batch").option("rowsPerBatch", 3).load().where("value > 0")
query = stream.writeStream.format("noop").queryName("positive").trigger(once=True).start()
query.awaitTermination()
print(sys.argv[1:])
"""


def test_the_plan_is_printed_when_a_query_starts(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(PROGRAM)
    command = [sys.executable, "-m", "cauce.cli.main", "run", str(TOOL), "program.py", "--option"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    lines = done.stdout.splitlines()
    assert (done.returncode, done.stderr) == (0, "")
    assert lines[0] == "-- positive"
    assert lines[-1] == "['--option']"
    assert any("Filter" in line for line in lines)
    assert any("rate-micro-batch" in line for line in lines)
