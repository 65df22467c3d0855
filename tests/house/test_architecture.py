"""The house rules that a machine can hold the code to, and that each of them fails on a planted violation."""

import ast
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.conf import settings

from tests.house import rules as house

ROOT = Path(settings.BASE_DIR)


def lint_imports(root: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=root,
        env={**os.environ, "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    "rule",
    [
        house.circles,
        house.hidden_imports,
        house.long_files,
        house.long_lines,
        house.stray_rooms,
        house.namesakes,
        house.vague_names,
        house.silent_modules,
    ],
)
def test_the_house_keeps_its_rule_on(rule: Callable[[Path], list[str]]) -> None:
    assert rule(ROOT) == []


def test_no_folder_is_crowded_without_a_reason_in_architecture_md() -> None:
    architecture = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    assert house.crowded_folders(ROOT, excused=architecture) == []


def test_the_engine_alone_knows_the_task_queue() -> None:
    assert house.importers(ROOT, "django_q") == {"judging/work/queue.py", "judging/work/workers.py"}


def test_one_module_knows_the_openai_package() -> None:
    assert house.importers(ROOT, "openai") == {"judging/providers/openai_client.py"}


def test_one_module_adapts_values_for_raw_sql() -> None:
    adapting = re.compile(r"has_native_uuid_field|adapt_datetimefield_value")
    adapters = {
        str(path.relative_to(ROOT))
        for path in house.python_files(ROOT, *house.PACKAGES)
        if adapting.search(path.read_text(encoding="utf-8"))
    }
    assert adapters == {"judging/foundation/columns.py"}


def test_one_module_encrypts_and_one_holds_what_is_encrypted() -> None:
    # The settings make and check the keys themselves.
    assert house.importers(ROOT, "cryptography") == {"judging/foundation/crypto.py", "releval/env.py"}
    calling = re.compile(r"\bcrypto\.|import .*\b(encrypt|decrypt)\b")
    callers = {
        str(path.relative_to(ROOT))
        for path in house.python_files(ROOT, *house.PACKAGES)
        if calling.search(path.read_text(encoding="utf-8").replace("foundation.crypto", ""))
    }
    assert callers == {"judging/models/credentials.py"}


def test_one_module_makes_versions() -> None:
    making = re.compile(r"\b(Judge|Evaluator|ResponseJudge)Version(\.(objects|_default_manager)\.(bulk_)?create)?\(")
    makers = {
        str(path.relative_to(ROOT))
        for path in house.python_files(ROOT, *house.PACKAGES)
        if path.parent.name != "models" and making.search(path.read_text(encoding="utf-8"))
    }
    assert makers == set()  # judging/records/versions.py, which is told the model


def test_one_module_writes_the_audit_list() -> None:
    writers = {
        str(path.relative_to(ROOT))
        for path in house.python_files(ROOT, *house.PACKAGES)
        if "AuditEvent" in path.read_text(encoding="utf-8")
        for node in house.nodes(path)
        # AuditEvent(...) and AuditEvent.objects.create(...), of models or of an alias; the list only reads.
        if isinstance(node, ast.Call)
        and re.fullmatch(
            r"([\w.]+\.)?AuditEvent(\.(_default_manager|objects)\..*(create|update|delete))?", ast.unparse(node.func)
        )
    }
    assert writers == {"judging/records/audit.py"}


# Each check fails on a planted violation


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the house, whose files are links."""
    root = tmp_path_factory.mktemp("house")
    for name in house.PACKAGES:
        ignored = shutil.ignore_patterns("__pycache__", "*.run", "*.csv", "*.jsonl")
        shutil.copytree(ROOT / name, root / name, ignore=ignored, copy_function=os.symlink)
    shutil.copy(ROOT / "pyproject.toml", root)
    return root


@pytest.fixture
def copy(copied: Path) -> Iterator[Path]:
    """A copy of the house to `plant` violations in, which are pulled up after the test."""
    yield copied
    for path in PLANTED:
        name = path.relative_to(copied)
        path.unlink()
        if (ROOT / name).exists():
            path.symlink_to(ROOT / name)
        elif not any(path.parent.iterdir()):
            path.parent.rmdir()
    PLANTED.clear()


PLANTED: set[Path] = set()


def plant(root: Path, name: str, line: str) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    before = path.read_text(encoding="utf-8") if path.exists() else '"""Planted."""\n'
    path.unlink(missing_ok=True)
    path.write_text(f"{before}\n{line}\n", encoding="utf-8")
    PLANTED.add(path)


@pytest.mark.slow(seconds=1)
def test_imports_that_break_a_contract_are_told(copy: Path) -> None:
    plant(copy, "judging/foundation/text.py", "from judging.models import Corpus")
    plant(copy, "judging/people/accounts.py", "from judging.runs.locks import lock_run")
    plant(copy, "judging/records/roles.py", "from judging.ledger import record_ai_grades")
    plant(copy, "judging/work/store.py", "from judging.judging_runs.kind import JudgingRunKind")
    plant(copy, "judging/web/base.py", "from judging.api.urls import urlpatterns")
    plant(copy, "judging/metrics/names.py", "from django.db import models")
    plant(copy, "releval/env.py", "from judging.foundation.text import clean_text")
    linted = lint_imports(copy)
    assert linted.returncode != 0
    for told in (
        "judging.foundation.text -> judging.models",
        "judging.people.accounts -> judging.runs.locks",
        "judging.records.roles -> judging.ledger",
        "judging.work.store -> judging.judging_runs.kind",
        "judging.web.base -> judging.api.urls",
        "judging.metrics.names -> django",
        "releval.env -> judging.foundation.text",
    ):
        assert told in linted.stdout, told


@pytest.mark.parametrize(
    ("rule", "name", "line", "told"),
    [
        (house.circles, "judging/work/queue.py", "from judging.work.lanes import take", "judging.work.lanes"),
        (house.circles, "judging/web/base.py", "from judging.web.judges.forms import JudgeForm", "judging.web.judges"),
        (
            house.circles,
            "judging/work/queue.py",
            "from importlib import import_module\ndef f():\n    import_module('judging.work.slices')",
            "judging.work.slices",
        ),
        (
            house.hidden_imports,
            "judging/work/queue.py",
            "from importlib import import_module\ndef f():\n    import_module('judging.tasks')",
            "judging/work/queue.py",
        ),
        (
            house.hidden_imports,
            "judging/work/queue.py",
            "def f():\n    from judging import tasks",
            "judging/work/queue.py",
        ),
        (house.long_files, "judging/work/long.py", "#\n" * 400, "judging/work/long.py"),
        (house.long_lines, "static/css/long.css", "/*" + "x" * 160 + "*/", "static/css/long.css:3"),
        (house.stray_rooms, "templates/judging/pages/odd.html", "", "templates/judging/pages"),
        (house.stray_rooms, "judging/web/pages/odd.py", "", "judging/web/pages"),
        (house.vague_names, "judging/work/utils.py", "", "judging/work/utils.py"),
    ],
)
def test_what_breaks_a_rule_is_told(
    copy: Path, rule: Callable[[Path], list[str]], name: str, line: str, told: str
) -> None:
    plant(copy, name, line)
    assert any(told in found for found in rule(copy)), rule(copy)


def test_crowds_namesakes_and_silence_are_told(copy: Path) -> None:
    for number in range(house.MAX_FILES):
        plant(copy, f"judging/work/file{number}.py", "")
    for folder in ("work", "ledger", "records", "metrics", "asking"):
        plant(copy, f"judging/{folder}/things.py", "")
    plant(copy, "judging/work/silent.py", "")
    (copy / "judging/work/silent.py").write_text("x = 1\n")
    assert any("judging/work has" in found for found in house.crowded_folders(copy))
    assert house.namesakes(copy) == ["5 files are called things.py"]
    assert house.silent_modules(copy) == ["judging/work/silent.py"]


def test_the_license_is_apache_2() -> None:
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert "Apache License" in text
    assert "END OF TERMS AND CONDITIONS" in text


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-test.lock"])
def test_locks_pin_every_package_with_hashes_and_name_no_registry(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    assert "://" not in text
    pinned = re.findall(r"^([a-zA-Z0-9_.-]+)==", text, flags=re.MULTILINE)
    assert len(pinned) == len(re.findall(r"^[a-zA-Z0-9]", text, flags=re.MULTILINE))
    for package in re.split(r"^(?=[a-zA-Z0-9])", text, flags=re.MULTILINE)[1:]:
        assert "--hash=sha256:" in package, package


def test_both_locks_pin_the_same_versions() -> None:
    def versions(name: str) -> dict[str, str]:
        text = (ROOT / name).read_text(encoding="utf-8")
        return dict(re.findall(r"^([a-zA-Z0-9_.-]+)==(\S+)", text, flags=re.MULTILINE))

    runtime, with_tests = versions("requirements.lock"), versions("requirements-test.lock")
    assert runtime.items() <= with_tests.items()
