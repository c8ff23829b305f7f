"""Everything that can go wrong, as PySpark shows it: class, error condition, SQLSTATE, parameters.

    SparkError                         org.apache.spark.SparkException
    |-- AnalysisException              org.apache.spark.sql.AnalysisException
    |   |-- ParseException             org.apache.spark.sql.catalyst.parser.ParseException
    |   `-- ExtendedAnalysisException  (an AnalysisException raised for a whole plan)
    |-- IllegalArgumentException       java.lang.IllegalArgumentException
    |   `-- NumberFormatException      java.lang.NumberFormatException
    |-- UnsupportedOperationException  java.lang.UnsupportedOperationException
    |-- IllegalStateException          java.lang.IllegalStateException
    |-- RuntimeException               java.lang.RuntimeException
    |-- ClassCastException             java.lang.ClassCastException
    |-- NullPointerException           java.lang.NullPointerException
    |-- ArithmeticException            java.lang.ArithmeticException
    |-- SparkClassNotFoundException    org.apache.spark.SparkClassNotFoundException
    |-- SparkRuntimeException          org.apache.spark.SparkRuntimeException
    |-- StreamingQueryException        org.apache.spark.sql.streaming.StreamingQueryException
    |-- ConcurrentModificationException java.util.ConcurrentModificationException
    |-- NoSuchElementException         java.util.NoSuchElementException
    |-- SparkNoSuchElementException    org.apache.spark.SparkNoSuchElementException
    |-- ArrayIndexOutOfBoundsException java.lang.ArrayIndexOutOfBoundsException
    |-- DateTimeException              java.time.DateTimeException
    |-- QueryExecutionException        org.apache.spark.sql.execution.QueryExecutionException
    |-- SparkSQLException              org.apache.spark.SparkSQLException
    |-- SQLException                   java.sql.SQLException
    |-- ClassNotFoundException         java.lang.ClassNotFoundException
    |-- TimeoutException               java.util.concurrent.TimeoutException
    |-- ExecutionException             java.util.concurrent.ExecutionException
    `-- PythonException                org.apache.spark.api.python.PythonException

A condition's message template and SQLSTATE live in `error_conditions.json`, sorted by name; the
text of a condition that Spark has is Spark's. Raise as
`AnalysisException("UNSUPPORTED_STREAMING_OPERATOR_WITHOUT_WATERMARK", outputMode="append", ...)`.
"""

import functools
import json
from importlib import resources
from typing import Any

__all__ = [
    "AnalysisException",
    "ArithmeticException",
    "ArrayIndexOutOfBoundsException",
    "ClassCastException",
    "ClassNotFoundException",
    "ConcurrentModificationException",
    "DateTimeException",
    "ExecutionException",
    "IllegalArgumentException",
    "IllegalStateException",
    "NoSuchElementException",
    "NullPointerException",
    "NumberFormatException",
    "ParseException",
    "PythonException",
    "QueryExecutionException",
    "RuntimeException",
    "SQLException",
    "SparkClassNotFoundException",
    "SparkError",
    "SparkNoSuchElementException",
    "SparkRuntimeException",
    "SparkSQLException",
    "StreamingQueryException",
    "TimeoutException",
    "UnsupportedOperationException",
]


@functools.cache
def conditions() -> dict[str, dict[str, Any]]:
    """Condition name -> {"sqlState", "message"}; sub-conditions are spelled `MAIN.SUB`.

    `"unnamed": true` marks those whose name Spark leaves out of the message: its Kafka connector's.
    """
    return json.loads(resources.files("cauce").joinpath("error_conditions.json").read_text())


class SparkError(Exception):
    """An error with Spark's class name, condition, SQLSTATE and message parameters."""

    java_class = "org.apache.spark.SparkException"
    java_parents: tuple[str, ...] = ("java.lang.Exception", "java.lang.Throwable", "java.lang.Object")

    def __init__(self, condition: str | None, /, message: str | None = None, **parameters: object) -> None:
        """`condition` names an entry of error_conditions.json; without one, `message` is the text."""
        self.condition = condition
        if condition is not None and message is not None:
            parameters["message"] = message  # Some conditions have a parameter of that name.
        self.parameters = {name: str(value) for name, value in parameters.items()}
        self.sqlstate = None if condition is None else conditions()[condition]["sqlState"]
        super().__init__(self._render(message))

    def _render(self, message: str | None) -> str:
        if self.condition is None:
            return message or ""
        text = conditions()[self.condition]["message"]
        for name, value in self.parameters.items():
            text = text.replace(f"<{name}>", value)
        if self.condition.startswith("_LEGACY_ERROR_") or "unnamed" in conditions()[self.condition]:
            return text  # Spark hides the names of conditions it has not migrated yet.
        suffix = f" SQLSTATE: {self.sqlstate}" if self.sqlstate else ""
        return f"[{self.condition}] {text}{suffix}"

    @property
    def class_hierarchy(self) -> list[str]:
        """Java class names, most derived first, as the client's exception lookup expects."""
        return [self.java_class, *self.java_parents]


class AnalysisException(SparkError):
    """The plan cannot be run; said before anything runs."""

    java_class = "org.apache.spark.sql.AnalysisException"


class ParseException(AnalysisException):
    """SQL text that does not parse."""

    java_class = "org.apache.spark.sql.catalyst.parser.ParseException"
    java_parents = ("org.apache.spark.sql.AnalysisException", *SparkError.java_parents)


class IllegalArgumentException(SparkError):
    """A value outside what an option or argument takes."""

    java_class = "java.lang.IllegalArgumentException"
    java_parents = ("java.lang.RuntimeException", *SparkError.java_parents)


class UnsupportedOperationException(SparkError):
    """Something Spark, or cauce, does not do."""

    java_class = "java.lang.UnsupportedOperationException"
    java_parents = ("java.lang.RuntimeException", *SparkError.java_parents)


class IllegalStateException(SparkError):
    """Files or objects in a state that must not happen."""

    java_class = "java.lang.IllegalStateException"
    java_parents = ("java.lang.RuntimeException", *SparkError.java_parents)


class RuntimeException(SparkError):
    """A failure that has no better name in Spark."""

    java_class = "java.lang.RuntimeException"


class NullPointerException(SparkError):
    """A null where Spark takes none."""

    java_class = "java.lang.NullPointerException"
    java_parents = ("java.lang.RuntimeException", *SparkError.java_parents)


class ClassCastException(SparkError):
    """Spark took one thing for another."""

    java_class = "java.lang.ClassCastException"
    java_parents = ("java.lang.RuntimeException", *SparkError.java_parents)


class ArithmeticException(SparkError):
    """Overflow or division by zero under ANSI rules."""

    java_class = "java.lang.ArithmeticException"
    java_parents = ("java.lang.RuntimeException", *SparkError.java_parents)


class SparkRuntimeException(SparkError):
    """A failure while rows are being processed."""

    java_class = "org.apache.spark.SparkRuntimeException"
    java_parents = ("java.lang.RuntimeException", *SparkError.java_parents)


class SparkNoSuchElementException(SparkError):
    """A setting that nobody knows."""

    java_class = "org.apache.spark.SparkNoSuchElementException"
    java_parents = (
        "java.util.NoSuchElementException",
        "java.lang.RuntimeException",
        *SparkError.java_parents,
    )


class SparkSQLException(SparkError):
    """A session or operation handle that does not, or no longer, mean anything here."""

    java_class = "org.apache.spark.SparkSQLException"
    java_parents = ("java.sql.SQLException", *SparkError.java_parents)


class ArrayIndexOutOfBoundsException(SparkError):
    """An index outside an array under ANSI rules."""

    java_class = "java.lang.ArrayIndexOutOfBoundsException"
    java_parents = (
        "java.lang.IndexOutOfBoundsException",
        "java.lang.RuntimeException",
        *SparkError.java_parents,
    )


class DateTimeException(SparkError):
    """Text that is no date or time."""

    java_class = "java.time.DateTimeException"
    java_parents = ("java.lang.RuntimeException", *SparkError.java_parents)


class NumberFormatException(IllegalArgumentException):
    """Text that is no number."""

    java_class = "java.lang.NumberFormatException"
    java_parents = ("java.lang.IllegalArgumentException", *IllegalArgumentException.java_parents)


class SparkClassNotFoundException(SparkError):
    """A data source format that nothing answers to."""

    java_class = "org.apache.spark.SparkClassNotFoundException"
    java_parents = (
        "java.lang.ClassNotFoundException",
        "java.lang.ReflectiveOperationException",
        *SparkError.java_parents,
    )


class SQLException(SparkError):
    """A database that cannot be reached by the URL given."""

    java_class = "java.sql.SQLException"


class ClassNotFoundException(SparkError):
    """A Java class that a program names and nothing here stands for."""

    java_class = "java.lang.ClassNotFoundException"


class QueryExecutionException(SparkError):
    """A file or table could not be read or written."""

    java_class = "org.apache.spark.sql.execution.QueryExecutionException"


class StreamingQueryException(SparkError):
    """A streaming query ended with an error."""

    java_class = "org.apache.spark.sql.streaming.StreamingQueryException"


class ConcurrentModificationException(SparkError):
    """Two writers met on one checkpoint or table."""

    java_class = "java.util.ConcurrentModificationException"
    java_parents = ("java.lang.RuntimeException", *SparkError.java_parents)


class NoSuchElementException(SparkError):
    """A name that nothing answers to."""

    java_class = "java.util.NoSuchElementException"
    java_parents = ("java.lang.RuntimeException", *SparkError.java_parents)


class TimeoutException(SparkError):
    """Something that was waited for did not come in time."""

    java_class = "java.util.concurrent.TimeoutException"


class ExecutionException(SparkError):
    """Something asked of a server was refused by it."""

    java_class = "java.util.concurrent.ExecutionException"


class PythonException(SparkError):
    """The user's own Python raised; the message carries its traceback."""

    java_class = "org.apache.spark.api.python.PythonException"
