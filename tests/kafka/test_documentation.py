"""The program of docs/kafka.md does what the page says."""

import re
from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "docs" / "kafka.md"


def test_the_program_runs(spark, kafka, tmp_path):
    kafka.send("clicks", ["a", "b"])
    kafka.create("loud")
    (program,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    exec(program, {"spark": spark, "servers": kafka.servers, "checkpoint": str(tmp_path)})
    assert sorted(value for _, _, value, _ in kafka.records("loud")) == [b"A", b"B"]
