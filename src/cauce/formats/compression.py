"""Compressed text files, named and framed as Hadoop's codecs do."""

import bz2
import gzip
import zlib
from collections.abc import Callable

import pyarrow as pa

from cauce.errors import IllegalArgumentException
from cauce.formats.format_options import FormatOptions

__all__ = ["compress", "text_extension"]


def _zstd(data: bytes) -> bytes:
    return pa.Codec("zstd").compress(data, asbytes=True)


CODECS: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "bzip2": (".bz2", bz2.compress),
    # Hadoop's DefaultCodec is zlib's format.
    "deflate": (".deflate", zlib.compress),
    "gzip": (".gz", gzip.compress),
    "none": ("", bytes),
    "uncompressed": ("", bytes),
    "zstd": (".zst", _zstd),
}


def text_extension(suffix: str, options: FormatOptions) -> str:
    """`.csv.gz` and the like."""
    return suffix + CODECS[_codec(options)][0]


def compress(data: bytes, options: FormatOptions) -> bytes:
    """The bytes of a file under the option `compression`."""
    return CODECS[_codec(options)][1](data)


def _codec(options: FormatOptions) -> str:
    name = options.get("compression", "codec", default="none").lower()
    if name not in CODECS:
        raise IllegalArgumentException(
            "CODEC_NOT_AVAILABLE.WITH_AVAILABLE_CODECS_SUGGESTION",
            codecName=name,
            availableCodecs=", ".join(sorted(CODECS)),
        )
    return name
