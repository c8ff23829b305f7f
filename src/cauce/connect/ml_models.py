"""The models of a session."""

from cauce.ml.cache import ModelCache
from cauce.session import Session

__all__ = ["models_of"]


def models_of(session: Session) -> ModelCache:
    """The session's cache of models, which goes with the session."""
    if session.models is None:
        session.models = ModelCache(session.settings.snapshot)
        session.on_close(session.models.clear)
    return session.models
