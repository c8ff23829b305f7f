"""AddArtifacts and ArtifactStatus: uploads in one or many chunks, each checked against its CRC."""

import zlib
from collections.abc import Iterator
from pathlib import Path

from pyspark.sql.connect.proto import (
    AddArtifactsRequest,
    AddArtifactsResponse,
    ArtifactStatusesRequest,
    ArtifactStatusesResponse,
)

from cauce.errors import SparkError
from cauce.session import Session
from cauce.session.artifacts import ARTIFACT_BYTES_MAX, ArtifactStore

__all__ = ["add_artifacts", "artifact_status"]

Summary = AddArtifactsResponse.ArtifactSummary


def add_artifacts(requests: Iterator[AddArtifactsRequest], session: Session) -> AddArtifactsResponse:
    """Store the artifacts of a stream. A chunk with a wrong CRC is reported, and not stored."""
    response = AddArtifactsResponse(
        session_id=session.session_id, server_side_session_id=session.server_side_session_id
    )
    upload: _Upload | None = None
    try:
        for request in requests:
            match request.WhichOneof("payload"):
                case "batch":
                    response.artifacts.extend(_add_batch(request.batch, session.artifacts))
                case "begin_chunk":
                    upload = _Upload(request.begin_chunk, session.artifacts)
                case "chunk" if upload is not None:
                    upload.append(request.chunk)
                case _:
                    raise SparkError("CAUCE_ARTIFACT_DAMAGED", name="?", reason="a chunk without a beginning")
            if upload is not None and upload.complete:
                response.artifacts.append(upload.finish())
                upload = None
    finally:
        if upload is not None:
            upload.discard()
    return response


def artifact_status(request: ArtifactStatusesRequest, session: Session) -> ArtifactStatusesResponse:
    """Which of the named artifacts are here already."""
    response = ArtifactStatusesResponse(
        session_id=session.session_id, server_side_session_id=session.server_side_session_id
    )
    for name in request.names:
        response.statuses[name].exists = session.artifacts.exists(name)
    return response


def _add_batch(batch: AddArtifactsRequest.Batch, store: ArtifactStore) -> Iterator[Summary]:
    for artifact in batch.artifacts:
        intact = zlib.crc32(artifact.data.data) == artifact.data.crc
        if intact:
            staged = store.staging()
            staged.write_bytes(artifact.data.data)
            store.add(artifact.name, staged)
        yield Summary(name=artifact.name, is_crc_successful=intact)


class _Upload:
    """One artifact that comes in chunks."""

    def __init__(self, begin: AddArtifactsRequest.BeginChunkedArtifact, store: ArtifactStore) -> None:
        if begin.total_bytes > ARTIFACT_BYTES_MAX:
            raise SparkError("CAUCE_TOO_MANY_ARTIFACT_BYTES", limit=ARTIFACT_BYTES_MAX)
        self._begin = begin
        self._store = store
        self._staged: Path = store.staging()
        self._chunks = 0
        self._bytes = 0
        self._intact = True
        self.append(begin.initial_chunk)

    @property
    def complete(self) -> bool:
        return self._chunks == self._begin.num_chunks

    def append(self, chunk: AddArtifactsRequest.ArtifactChunk) -> None:
        self._chunks += 1
        self._bytes += len(chunk.data)
        self._intact = self._intact and zlib.crc32(chunk.data) == chunk.crc
        if self._bytes > self._begin.total_bytes:
            raise self._damaged("more bytes than announced")
        with self._staged.open("ab") as file:
            file.write(chunk.data)

    def finish(self) -> Summary:
        if self._bytes != self._begin.total_bytes:
            raise self._damaged("fewer bytes than announced")
        if self._intact:
            self._store.add(self._begin.name, self._staged)
        self.discard()
        return Summary(name=self._begin.name, is_crc_successful=self._intact)

    def discard(self) -> None:
        self._staged.unlink(missing_ok=True)

    def _damaged(self, reason: str) -> SparkError:
        return SparkError("CAUCE_ARTIFACT_DAMAGED", name=self._begin.name, reason=reason)
