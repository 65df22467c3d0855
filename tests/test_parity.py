"""One act, one service: the pages and the REST APIs reach the same function for the same act."""

import ast
from collections.abc import Iterable
from pathlib import Path

import pytest

_JUDGING = Path(__file__).parent.parent / "judging"


def services_used(package: str) -> set[str]:
    """Return what an interface takes from judging.services, as "module.name", also through other services."""
    used = names_taken((_JUDGING / package).rglob("*.py"))
    behind = {_JUDGING / "services" / f"{name.split('.')[0]}.py" for name in used}
    return used | names_taken(path for path in behind if path.exists())


def names_taken(paths: Iterable[Path]) -> set[str]:
    used: set[str] = set()
    for path in paths:
        tree = ast.parse(path.read_text())
        modules: dict[str, str] = {}
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module == "judging.services":
                modules.update({alias.asname or alias.name: alias.name for alias in node.names})
            elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("judging.services."):
                module = str(node.module).removeprefix("judging.services.")
                used.update(f"{module}.{alias.name}" for alias in node.names)
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in modules:
                used.add(f"{modules[node.value.id]}.{node.attr}")
    return used


@pytest.mark.parametrize(
    "act",
    [
        "judging_runs.start_judging_run",
        "judging_runs.cancel_judging_run",
        "judging_runs.estimate_judging_run",
        "judgments.record_judgments",
        "locks.lock_run",
        "locks.unlock_run",
        "import_run.import_run",
        "import_judgments.import_judgments",
        "evaluations.create_evaluation",
        "evaluations.delete_run",
        "providers.save_provider",
        "providers.delete_provider",
        "providers.test_provider",
        "judges.save_judge",
        "judges.delete_judge",
        "judge_tests.test_judge_on_run",
        "accounts.create_token",
        "accounts.revoke_token",
        "accounts.invite_member",
    ],
)
def test_9_pages_and_rest_reach_the_same_service(act: str) -> None:
    assert act in services_used("api"), f"REST does not use services.{act}"
    assert act in services_used("web"), f"the pages do not use services.{act}"


@pytest.mark.parametrize(
    "act",
    [
        "batches.cancel_batch",
        "batches.retry_failed",
        "evaluators.save_evaluator",
        "response_judges.save_response_judge",
    ],
)
def test_9_pages_and_the_batch_api_reach_the_same_service(act: str) -> None:
    assert act in services_used("batch_api"), f"/v1 does not use services.{act}"
    assert act in services_used("web"), f"the pages do not use services.{act}"


def test_no_interface_writes_models_itself() -> None:
    """Interfaces read and call services; they never save, create, update or delete rows."""
    writes = {"save", "create", "bulk_create", "bulk_update", "update_or_create", "get_or_create"}
    found = []
    for package in ("api", "batch_api", "web"):
        for path in (_JUDGING / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
                    continue
                chain = ast.unparse(node.func)
                if node.func.attr in writes and ".objects." in chain:
                    found.append(f"{path.relative_to(_JUDGING)}:{node.lineno} {chain}")
    assert found == []
