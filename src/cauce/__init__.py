"""cauce runs unmodified PySpark, streaming included, in one Python process without a JVM."""

__version__ = "0.1.0"

__all__ = ["__version__", "load_ipython_extension", "start", "stop"]


def start() -> str:
    """Start a server in this process; PySpark's `SparkSession.builder.getOrCreate()` then leads to it.

    For notebooks and plain `python`: `cauce run` does it for a script. The answer is the connection
    string, whose token lets its holder run code as you. Called again, it starts nothing new.
    """
    from cauce.cli import local

    return local.start()


def stop() -> None:
    """Stop the server that `start` started, and every streaming query in it."""
    from cauce.cli import local

    local.stop()


def load_ipython_extension(ipython: object) -> None:
    """`%load_ext cauce` in a notebook is `cauce.start()`."""
    start()
