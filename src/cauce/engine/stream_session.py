"""The engine as a streaming query uses it: what needs no names runs in a session of the query's own."""

import uuid
from collections.abc import Mapping

import grpc
import pyarrow as pa
from pyspark.sql.connect.proto import Relation

from cauce.engine.session import EngineSession
from cauce.engine.substitute import Template
from cauce.errors import SparkError

__all__ = ["StreamEngine", "StreamSession"]

LOST = ("is not running", "job runner is stopped")
"""How Sail says that a session has expired."""


class StreamSession(EngineSession):
    """A session with nothing in it but settings: if Sail forgets it, another is as good."""

    def __init__(self, channel: grpc.Channel, user_id: str, settings: Mapping[str, str]) -> None:
        super().__init__(channel, user_id, str(uuid.uuid4()))
        self._settings = dict(settings)
        self._configure()

    def run(
        self, relation: Relation | Template, inputs: Mapping[str, pa.Table | Relation] | None = None
    ) -> pa.Table:
        """As `EngineSession.run`, in a new session if Sail has ended this one."""
        try:
            return super().run(relation, inputs)
        except SparkError as error:
            if not any(text in str(error) for text in LOST):
                raise
        self.session_id = str(uuid.uuid4())
        self._sources.clear()
        self._configure()
        return super().run(relation, inputs)

    def _configure(self) -> None:
        if self._settings:
            self.config_set(self._settings)


class StreamEngine:
    """What runs a query's relations: its own session, or the user's for what is looked up by name there."""

    def __init__(self, user: EngineSession, settings: Mapping[str, str], *, always_user: bool) -> None:
        """`always_user` if the user defined functions: then any call may mean one of them."""
        self._user = user
        self._settings = dict(settings)
        self._always_user = always_user
        self._own: EngineSession | None = None

    @property
    def time_zone(self) -> str:
        """The zone's name as Sail spells it."""
        return self._user.time_zone

    def run(self, template: Template, inputs: Mapping[str, pa.Table | Relation]) -> pa.Table:
        """The rows of a template; used by the query's own thread only."""
        if self._always_user or template.by_name:
            return self._user.run(template, inputs)
        if self._own is None:
            self._own = self._user.for_stream(self._settings)
        return self._own.run(template, inputs)
