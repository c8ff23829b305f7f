"""What a user may ask of a file source, checked in Spark's words."""

from dataclasses import dataclass

from cauce.conf import parse_time_ms
from cauce.errors import IllegalArgumentException
from cauce.plan.file_metadata import METADATA_OPTION
from cauce.streaming.sources.source import SourceOptions

__all__ = ["STREAM_ONLY_OPTIONS", "FileStreamOptions"]

CLEAN_MODES = ("archive", "delete", "off")
CACHED_FILES_MAX = 10_000
LATEST_FIRST_AGE_MS = 2**63 - 1

STREAM_ONLY_OPTIONS = frozenset(
    name.lower()
    for name in (
        "path",
        "maxFilesPerTrigger",
        "maxBytesPerTrigger",
        "latestFirst",
        "fileNameOnly",
        "maxFileAge",
        "maxCachedFiles",
        "discardCachedInputRatio",
        "cleanSource",
        "sourceArchiveDir",
        "pathGlobFilter",
        "recursiveFileLookup",
        "basePath",
        "ignoreMissingFiles",
        "ignoreCorruptFiles",
        METADATA_OPTION,
    )
)
"""Options this source acts on itself; all others are for the reader of the format."""


@dataclass(frozen=True)
class FileStreamOptions:
    """The options of Spark's FileStreamOptions, with its defaults and its error messages."""

    max_files_per_trigger: int | None
    max_bytes_per_trigger: int | None
    max_file_age_ms: int
    latest_first: bool
    file_name_only: bool
    clean_source: str
    source_archive_dir: str | None
    max_cached_files: int
    discard_cached_input_ratio: float

    @staticmethod
    def parse(options: SourceOptions) -> "FileStreamOptions":
        """Read the options; an IllegalArgumentException names the one that is wrong."""
        for name in ("modifiedBefore", "modifiedAfter"):
            _require(
                options.get(name) is None, f"option '{name.lower()}' is not allowed in file stream sources"
            )
        files, size = _positive(options, "maxFilesPerTrigger"), _positive(options, "maxBytesPerTrigger")
        _require(
            files is None or size is None,
            "Options 'maxFilesPerTrigger' and 'maxBytesPerTrigger' can't be both set at the same time",
        )
        latest_first = _flag(options, "latestFirst")
        age_ms = parse_time_ms(options.get("maxFileAge") or "7d", default_unit="ms")
        # With the latest first and a limit, old files wait their turn: none is too old (SPARK-19813).
        limited = files is not None or size is not None
        return FileStreamOptions(
            max_files_per_trigger=files,
            max_bytes_per_trigger=size,
            max_file_age_ms=LATEST_FIRST_AGE_MS if latest_first and limited else age_ms,
            latest_first=latest_first,
            file_name_only=_flag(options, "fileNameOnly"),
            clean_source=_clean_mode(options),
            source_archive_dir=options.get("sourceArchiveDir"),
            max_cached_files=_cached_files(options),
            discard_cached_input_ratio=_ratio(options),
        )


def _positive(options: SourceOptions, name: str) -> int | None:
    text = options.get(name)
    if text is None:
        return None
    _require(
        text.isdecimal() and int(text) > 0,
        f"Invalid value '{text}' for option '{name}', must be a positive integer",
    )
    return int(text)


def _flag(options: SourceOptions, name: str) -> bool:
    text = options.get(name) or "false"
    _require(
        text.lower() in ("true", "false"),
        f"Invalid value '{text}' for option '{name}', must be 'true' or 'false'",
    )
    return text.lower() == "true"


def _clean_mode(options: SourceOptions) -> str:
    text = options.get("cleanSource") or "off"
    _require(
        text.lower() in CLEAN_MODES,
        f"Invalid mode for clean source option Some({text}). Must be one of ARCHIVE,DELETE,OFF",
    )
    _require(
        text.lower() != "archive" or options.get("sourceArchiveDir") is not None,
        "Archive mode must be used with 'sourceArchiveDir' option.",
    )
    return text.lower()


def _cached_files(options: SourceOptions) -> int:
    text = options.get("maxCachedFiles") or str(CACHED_FILES_MAX)
    _require(
        text.isdecimal(),
        f"Invalid value '{text}' for option 'maxCachedFiles', must be an integer greater than or equal to 0",
    )
    return int(text)


def _ratio(options: SourceOptions) -> float:
    text = options.get("discardCachedInputRatio") or "0.2"
    try:
        ratio = float(text)
    except ValueError:
        ratio = -1.0
    _require(
        0 <= ratio <= 1,
        f"Invalid value '{text}' for option 'discardCachedInputRatio', must be a positive float "
        "between 0 and 1",
    )
    return ratio


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise IllegalArgumentException(None, message)
