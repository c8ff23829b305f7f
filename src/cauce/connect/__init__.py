"""Spark Connect, message by message: one handler per RPC, per command and per analysis.

Imported by server; imports streaming, session, engine, plan, clock, conf and errors. What is not handled
here passes to Sail as bytes. Compression of results and proto extensions are not supported.
"""

from cauce.connect.service import ConnectService

__all__ = ["ConnectService"]
