"""In a notebook: `%load_ext cauce`, then PySpark as everywhere else; the kernel ends when asked to."""

from collections.abc import Iterator

import pytest
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager, start_new_kernel

TIMEOUT_S = 120


@pytest.fixture
def kernel() -> Iterator[tuple[KernelManager, BlockingKernelClient]]:
    manager, client = start_new_kernel(startup_timeout=TIMEOUT_S)
    yield manager, client
    client.stop_channels()
    manager.shutdown_kernel(now=True)


def run_cell(client: BlockingKernelClient, code: str) -> str:
    """What the cell prints, as the notebook shows it."""
    printed: list[str] = []

    def show(message: dict) -> None:
        content = message["content"]
        printed.append(content.get("text") or "\n".join(content.get("traceback", [])))

    client.execute_interactive(code, timeout=TIMEOUT_S, output_hook=show)
    return "".join(printed)


def test_cells_stream_into_a_table_and_the_kernel_ends(
    kernel: tuple[KernelManager, BlockingKernelClient],
) -> None:
    manager, client = kernel
    assert run_cell(client, "%load_ext cauce") == ""
    run_cell(client, "from pyspark.sql import SparkSession\nspark = SparkSession.builder.getOrCreate()")
    start = """
    stream = spark.readStream.format("rate-micro-batch").option("rowsPerBatch", 5).load()
    query = stream.writeStream.format("memory").queryName("seen").trigger(once=True).start()
    query.awaitTermination()
    print(spark.table("seen").count())
    """
    assert run_cell(client, start) == "5\n"
    assert "boom" in run_cell(client, "raise ValueError('boom')")
    client.shutdown()
    manager.provisioner.process.wait(TIMEOUT_S)
