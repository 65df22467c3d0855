"""Analyses on the demo's engine: a baseline, the same again, one with another order, one that finds nothing."""

from typing import Any

from judging.models import Analysis, Evaluation, QueryTemplate, User
from judging.search.analyses.acts import create_analysis
from judging.search.analyses.reads import get_analysis
from tests.draining import drain
from tests.search.runs.searching import BODY, make_search_evaluation
from tests.search.setting_up import make_template

SAME = BODY
ALL = '{"query": {"match_all": {}}, "size": {{size}}}'
SHIRTS = '{"query": {"match": {"title": "shirt"}}, "size": {{size}}}'
BROKEN = '{"query": {"no_such_query": "{{query}}"}}'


def make_templates(*bodies: str) -> list[QueryTemplate]:
    return [make_template(body, name=f"other {place}") for place, body in enumerate(bodies, start=1)]


def inputs_of(world: Evaluation, others: list[QueryTemplate], **fields: Any) -> dict[str, Any]:
    """Return what an analysis of these templates is made from; the baseline is the evaluation's template."""
    return {
        "name": "Titles or all",
        "endpoint_id": world.endpoint_id,
        "query_set_id": world.query_set_id,
        "baseline": world.query_template_id,
        "query_template_ids": [each.pk for each in others],
        "depth": 5,
        **fields,
    }


def start_analysis(url: str, actor: User, *bodies: str, queries: Any = None, **fields: Any) -> Analysis:
    """Make an analysis of a baseline on titles and other templates."""
    world = make_search_evaluation(url, **({"queries": queries} if queries else {}))
    made = create_analysis(actor=actor, **inputs_of(world, make_templates(*bodies), **fields))
    return get_analysis(made.pk)


def analysed(url: str, actor: User, *bodies: str, **fields: Any) -> Analysis:
    """Make an analysis and work on it to its end."""
    started = start_analysis(url, actor, *bodies, **fields)
    drain()
    return get_analysis(started.pk)
