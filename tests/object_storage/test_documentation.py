"""The program of docs/object-storage.md does what the page says."""

import re
from pathlib import Path

from cauce.files import open_file_system

PAGE = Path(__file__).resolve().parents[2] / "docs" / "object-storage.md"


def test_the_program_runs(lake):
    file_system, path = open_file_system("s3a://lake/in/a.json")
    file_system.write_durable(path, b'{"device": "a", "degrees": 20}\n{"device": "a", "degrees": 22}')
    (program,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    exec(program, {"spark": lake})
    assert lake.read.format("delta").load("s3a://lake/means").toArrow().to_pylist() == [
        {"device": "a", "avg(degrees)": 21.0}
    ]
