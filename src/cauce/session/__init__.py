"""What the server keeps for one client: settings, views, cached tables, running operations, output.

Imported by ml, delta, streaming, connect and server; imports engine, clock, conf and errors. It knows
neither gRPC nor streaming queries: those attach themselves through `Session.on_close`.
"""

from cauce.session.operation import Operation
from cauce.session.registry import SESSIONS_MAX, SessionKey, SessionRegistry
from cauce.session.session import Session
from cauce.session.settings import Settings

__all__ = ["SESSIONS_MAX", "Operation", "Session", "SessionKey", "SessionRegistry", "Settings"]
