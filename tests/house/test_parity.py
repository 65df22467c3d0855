"""Pages and REST APIs reach the same function for the same act."""

import ast
import functools
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.house import rules as house

_JUDGING = Path(__file__).parents[2] / "judging"
_SUBJECTS = (
    "people",
    "corpora",
    "runs",
    "judges",
    "judging_runs",
    "review",
    "responses",
    "probes",
    "golden",
    "search",
)


@functools.cache
def acts_used(interface: str) -> set[str]:
    """Return what an interface takes from the subjects, as "judges.providers.save_provider", also through other acts."""
    used = names_taken((_JUDGING / interface).rglob("*.py"))
    behind = {_JUDGING.joinpath(*name.split(".")[:-1]).with_suffix(".py") for name in used}
    return used | names_taken(path for path in behind if path.exists())


def names_taken(paths: Iterable[Path]) -> set[str]:
    used: set[str] = set()
    for path in paths:
        nodes = house.nodes(path)
        modules: dict[str, str] = {}
        for node in nodes:
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("judging."):
                source = str(node.module).removeprefix("judging.")
                if source.split(".")[0] in _SUBJECTS:
                    used.update(f"{source}.{alias.name}" for alias in node.names)
                    modules.update({alias.asname or alias.name: f"{source}.{alias.name}" for alias in node.names})
        for node in nodes:
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in modules:
                used.add(f"{modules[node.value.id]}.{node.attr}")
    return used


@pytest.mark.parametrize(
    "act",
    [
        "judging_runs.starting.start_judging_run",
        "judging_runs.starting.cancel_judging_run",
        "judging_runs.starting.estimate_judging_run",
        "judging_runs.deciding.start_deciding_runs",
        "judging_runs.making_current.make_judging_run_current",
        "judging_runs.making_current.preview_making_current",
        "review.judgments.record_judgments",
        "review.own_views.save_view",
        "review.own_views.delete_view",
        "review.team.assigning.assign_queries",
        "review.team.assigning.share_out",
        "runs.locks.lock_run",
        "runs.locks.unlock_run",
        "runs.importing.run_import.import_run",
        "runs.importing.judgment_import.import_judgments",
        "runs.evaluations.create_evaluation",
        "runs.evaluation_runs.update_run",
        "runs.blindness.lift_blindness",
        "runs.archiving.archive_run",
        "runs.archiving.restore_run",
        "runs.archiving.archive_evaluation",
        "runs.archiving.restore_evaluation",
        "runs.query_tags.change_query_tags",
        "runs.evaluations.delete_run",
        "judges.providers.save_provider",
        "judges.providers.delete_provider",
        "judges.providers.try_provider",
        "judges.judges.save_judge",
        "judges.judges.delete_judge",
        "judges.trials.try_judge_on_run",
        "probes.acts.start_probes",
        "probes.acts.cancel_probes",
        "search.analyses.acts.create_analysis",
        "search.analyses.acts.stop_analysis",
        "search.analyses.acts.resume_analysis",
        "search.runs.making.create_search_run",
        "search.runs.making.clone_search_run",
        "search.runs.starting.start_search_run",
        "search.runs.starting.stop_search_run",
        "search.runs.starting.resume_search_run",
        "search.runs.remapping.remap_search_run",
        "search.endpoints.acts.create_endpoint",
        "search.endpoints.acts.update_endpoint",
        "search.endpoints.acts.archive_endpoint",
        "search.endpoints.acts.restore_endpoint",
        "search.endpoints.acts.delete_endpoint",
        "search.endpoints.trying.try_endpoint",
        "search.lab.asking.ask_sides",
        "search.query_sets.sets.create_query_set",
        "search.query_sets.sets.upload_query_set",
        "search.query_sets.sets.sample_query_set",
        "search.query_sets.sets.change_query_set",
        "search.query_sets.sets.add_queries",
        "search.query_sets.sets.archive_query_set",
        "search.query_sets.sets.restore_query_set",
        "search.query_sets.sets.delete_query_set",
        "search.query_templates.templates.save_query_template",
        "search.query_templates.templates.draft_query_template",
        "search.query_templates.templates.archive_query_template",
        "search.query_templates.templates.restore_query_template",
        "search.query_templates.templates.delete_query_templates",
        "search.query_templates.previews.preview_over_set",
        "golden.acts.create_golden_set",
        "golden.acts.start_golden_check",
        "golden.acts.cancel_golden_check",
        "golden.acts.reschedule_golden_set",
        "golden.acts.delete_golden_set",
        "people.tokens.create_token",
        "people.tokens.revoke_token",
        "people.accounts.invite_member",
    ],
)
def test_9_pages_and_rest_reach_the_same_act(act: str) -> None:
    assert act in acts_used("api"), f"REST does not use {act}"
    assert act in acts_used("web"), f"the pages do not use {act}"


@pytest.mark.parametrize(
    "act",
    [
        "responses.executions.cancel_batch",
        "responses.executions.retry_failed",
        "responses.evaluators.save_evaluator",
        "responses.response_judges.save_response_judge",
    ],
)
def test_9_pages_and_the_batch_api_reach_the_same_act(act: str) -> None:
    assert act in acts_used("batch_api"), f"/v1 does not use {act}"
    assert act in acts_used("web"), f"the pages do not use {act}"


def test_no_interface_writes_models_itself() -> None:
    """Interfaces read and call acts; they never save, create, update or delete rows."""
    writes = {"save", "create", "bulk_create", "bulk_update", "update_or_create", "get_or_create"}
    found = []
    for package in ("api", "batch_api", "web"):
        for path in (_JUDGING / package).rglob("*.py"):
            for node in house.nodes(path):
                if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
                    continue
                if node.func.attr in writes and ".objects." in (chain := ast.unparse(node.func)):
                    found.append(f"{path.relative_to(_JUDGING)}:{node.lineno} {chain}")
    assert found == []
