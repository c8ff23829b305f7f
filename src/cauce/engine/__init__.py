"""Sail, in this process: a Connect relation plus named Arrow inputs gives Arrow.

Imported by session, streaming, connect and above; imports plan, errors and conf. The only package
that imports pysail. It knows nothing about streams: a relation that reads a stream is refused by Sail.
"""

from cauce.engine.engine import Engine
from cauce.engine.live_view import live_relation
from cauce.engine.session import EngineSession
from cauce.engine.stream_session import StreamEngine
from cauce.engine.substitute import input_leaf, local_relation

__all__ = ["Engine", "EngineSession", "StreamEngine", "input_leaf", "live_relation", "local_relation"]
