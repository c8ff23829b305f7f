"""AnalyzePlan: what a plan means, without running it."""

from collections.abc import Callable
from typing import Any

from pyspark.sql.connect.proto import AnalyzePlanRequest, AnalyzePlanResponse

from cauce.connect import forward
from cauce.connect.caching import CACHE_ANALYSES
from cauce.connect.plans import decompress
from cauce.connect.stream_plans import STREAM_ANALYSES
from cauce.session import Session

__all__ = ["ANALYSES", "analyze_plan"]

ANALYSES: dict[str, Callable[[Any, Session], AnalyzePlanResponse | None]] = {
    **STREAM_ANALYSES,
    **CACHE_ANALYSES,
}
"""The analyses handled here, by their field name in the request; all others, and the plans for which a
handler answers None, are Sail's."""


def analyze_plan(request: AnalyzePlanRequest, session: Session) -> AnalyzePlanResponse | bytes:
    for plan in forward.plans(request):
        decompress(plan)
    kind = request.WhichOneof("analyze")
    response = ANALYSES[kind](getattr(request, kind), session) if kind in ANALYSES else None
    if response is not None:
        response.session_id = session.session_id
        response.server_side_session_id = session.server_side_session_id
        return response
    return forward.analyze(request, session)
