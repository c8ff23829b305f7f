"""The command line: `cauce run`, `cauce submit`, `cauce server`, `cauce doctor`, and the spark-submit shim.

Nothing imports it except the installed scripts and `cauce.start`. It imports `cauce.server` and
everything below, always inside functions: `cauce --help` answers before the engine is loaded.
Not here: starting a cluster, `pyspark` and `spark-shell` prompts.
"""

__all__: list[str] = []
