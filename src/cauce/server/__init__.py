"""The gRPC server: listening, tokens, TLS and limits around the Connect service.

Imported by cli and tests; imports connect and below. One server has one engine; several servers in one
process are possible. It does not do single sign-on, nor more than one machine.
"""

from cauce.server.server import CauceServer, running_session, server_session

__all__ = ["CauceServer", "running_session", "server_session"]
