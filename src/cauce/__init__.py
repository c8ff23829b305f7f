"""cauce runs unmodified PySpark, streaming included, in one Python process without a JVM."""

__version__ = "0.1.0"

__all__ = ["__version__"]
