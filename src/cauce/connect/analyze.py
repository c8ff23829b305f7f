"""AnalyzePlan: what a plan means, without running it."""

from collections.abc import Callable
from typing import Any

from pyspark.sql.connect.proto import AnalyzePlanRequest, AnalyzePlanResponse, Plan

from cauce.connect import forward
from cauce.connect.caching import CACHE_ANALYSES
from cauce.connect.errors import with_suggestion
from cauce.connect.plans import decompress
from cauce.connect.stream_plans import STREAM_ANALYSES
from cauce.errors import AnalysisException
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
    try:
        return _answer(request, session)
    except AnalysisException as error:
        plan = next(forward.plans(request), Plan())
        raise with_suggestion(error, plan, session) from error.__cause__


def _answer(request: AnalyzePlanRequest, session: Session) -> AnalyzePlanResponse | bytes:
    kind = request.WhichOneof("analyze")
    response = ANALYSES[kind](getattr(request, kind), session) if kind in ANALYSES else None
    if response is None:
        return forward.analyze(request, session)
    response.session_id = session.session_id
    response.server_side_session_id = session.server_side_session_id
    return response
