"""Every option of Spark 4.2's spark-submit, and what becomes of it here."""

from collections.abc import Sequence
from dataclasses import dataclass, field

__all__ = ["JVM_ONLY", "Submission", "SubmissionError", "parse"]

HANDLED = frozenset(
    {
        "--archives", "--conf", "--files", "--kill", "--master", "--name", "--properties-file",
        "--py-files", "--remote", "--status",
    }
)  # fmt: skip
JVM_ONLY = frozenset(
    {
        "--class", "--deploy-mode", "--driver-class-path", "--driver-cores", "--driver-java-options",
        "--driver-library-path", "--driver-memory", "--exclude-packages", "--executor-cores",
        "--executor-memory", "--jars", "--keytab", "--kubernetes-master", "--kubernetes-namespace",
        "--num-executors", "--packages", "--principal", "--proxy-user", "--queue", "--repositories",
        "--total-executor-cores", "--upload-driver-extra-classpath", "--upload-jars",
    }
)  # fmt: skip
"""Accepted so that no command line has to change, and named in one INFO line, because they do nothing."""
SWITCHES = frozenset(
    {"--help", "--load-spark-defaults", "--supervise", "--usage-error", "--verbose", "--version"}
)
ALIASES = {"-c": "--conf", "-h": "--help", "-v": "--verbose"}


class SubmissionError(Exception):
    """A command line that spark-submit refuses as well."""


@dataclass
class Submission:
    """A parsed command line: the program, its arguments and the options before them."""

    program: str | None = None
    arguments: list[str] = field(default_factory=list)
    conf: dict[str, str] = field(default_factory=dict)
    values: dict[str, str] = field(default_factory=dict)
    """Option -> value, the last one given."""
    switches: set[str] = field(default_factory=set)

    def ignored(self) -> list[str]:
        """What the user gave that has no meaning without a JVM or a cluster, sorted."""
        options = [option for option in self.values if option in JVM_ONLY]
        if not self.values.get("--master", "local").startswith("local"):
            options.append("--master")
        return sorted(options + [switch for switch in self.switches if switch == "--supervise"])


def parse(arguments: Sequence[str]) -> Submission:
    """Read options up to the first word that is none; the rest belongs to the program."""
    submission = Submission()
    words = list(arguments)
    while words:
        word = words.pop(0)
        option, equals, value = word.partition("=") if word.startswith("--") else (word, "", "")
        option = ALIASES.get(option, option)
        if option in HANDLED | JVM_ONLY:
            if not equals:
                value = _value_of(option, words)
            _set(submission, option, value)
        elif option in SWITCHES:
            submission.switches.add(option)
        elif option.startswith("-"):
            raise SubmissionError(f"Unrecognized option: {word}")
        else:
            submission.program, submission.arguments = word, words
            break
    return submission


def _value_of(option: str, words: list[str]) -> str:
    if not words:
        raise SubmissionError(f"Missing argument for option '{option}'.")
    return words.pop(0)


def _set(submission: Submission, option: str, value: str) -> None:
    if option != "--conf":
        submission.values[option] = value
        return
    key, equals, setting = value.partition("=")
    if not equals:
        raise SubmissionError(f"Spark config without '=': {value}")
    submission.conf[key] = setting
